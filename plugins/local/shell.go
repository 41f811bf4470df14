package local

import (
	"strings"
)

// shell is a language in which variables are exported.
type shell string

const (
	posixShell shell = "sh"
	fishShell  shell = "fish"
	powerShell shell = "powershell"
)

func shellNames() []string {
	return []string{string(posixShell), string(fishShell), string(powerShell)}
}

// guessShell is what nobody has to name. SHELL does not count: it is the login
// shell, and scripts, make and other shells run under it; and fish reads what
// is for sh.
func guessShell(getenv func(string) string, system string) shell {
	if system == "windows" && getenv("SHELL") == "" {
		return powerShell
	}
	return posixShell
}

// export is the line that sets a variable, to any text without a NUL byte.
func (s shell) export(name, value string) string {
	switch s {
	case fishShell:
		return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "';" // `eval (...)` joins lines
	case powerShell:
		// It takes the typographic quotes for the plain one.
		doubled := strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(value)
		return "$env:" + name + " = '" + doubled + "'"
	}
	return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// source is the command line that runs what command prints.
func (s shell) source(command string) string {
	switch s {
	case fishShell:
		return command + " | source"
	case powerShell:
		return command + " | Out-String | Invoke-Expression"
	}
	return `eval "$(` + command + `)"`
}
