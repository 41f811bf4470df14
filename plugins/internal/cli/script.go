package cli

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed completion
var completionTemplates embed.FS

// CompletionShells returns the shells that there are completion scripts for.
func CompletionShells() []string { return []string{"bash", "zsh", "fish"} }

// CompletionScript returns the script by which a shell ("bash", "zsh" or "fish")
// completes a program: it asks the program itself.
func CompletionScript(shell, program string) (string, error) {
	if program == "" || strings.IndexFunc(program, notInName) >= 0 {
		return "", fmt.Errorf("completion of %q: its name needs quotes in a shell", program)
	}
	file, function := "", "_"+strings.Map(identifier, program)
	switch shell {
	case "bash":
		file = "bash.sh"
	case "zsh":
		// An autoloaded function is called as its file.
		file, function = "zsh.zsh", "_"+program
	case "fish":
		file, function = "fish.fish", "__complete"+function
	default:
		return "", fmt.Errorf("no completion for the shell %q: there is bash, zsh and fish", shell)
	}
	text, err := completionTemplates.ReadFile("completion/" + file)
	if err != nil {
		return "", err
	}
	return strings.NewReplacer("FUNCTION", function, "PROGRAM", program).Replace(string(text)), nil
}

// CompletionFile is the name under which a shell looks for the script of a
// program in its folders of completions.
func CompletionFile(shell, program string) string {
	switch shell {
	case "zsh":
		return "_" + program
	case "fish":
		return program + ".fish"
	}
	return program
}

func notInName(c rune) bool {
	return identifier(c) == '_' && c != '_' && c != '-' && c != '.'
}

// identifier makes a letter one that a function may have in its name.
func identifier(c rune) rune {
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		return c
	}
	return '_'
}
