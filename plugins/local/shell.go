package local

import (
	"path/filepath"
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

// guessShell is the user's own. Where the environment does not say, it is the
// one that the system comes with.
func guessShell(getenv func(string) string, system string) shell {
	path := getenv("SHELL")
	switch {
	case path == "" && system == "windows":
		return powerShell
	case strings.HasSuffix(strings.TrimSuffix(filepath.ToSlash(path), ".exe"), "fish"):
		return fishShell
	}
	return posixShell
}

// export is the line that sets a variable, to any text without a NUL byte.
func (s shell) export(name, value string) string {
	switch s {
	case fishShell:
		return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
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
