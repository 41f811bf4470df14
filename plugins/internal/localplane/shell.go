package localplane

import "strings"

// Shell is a language in which variables are exported.
type Shell string

// The shells that can be spoken to.
const (
	Posix      Shell = "sh"
	Fish       Shell = "fish"
	PowerShell Shell = "powershell"
)

// ShellNames are those of all shells.
func ShellNames() []string { return []string{string(Posix), string(Fish), string(PowerShell)} }

// GuessShell is what nobody has to name. SHELL does not count: it is the login
// shell, and scripts, make and other shells run under it; and fish reads what
// is for sh. system is as in runtime.GOOS.
func GuessShell(getenv func(string) string, system string) Shell {
	if system == "windows" && getenv("SHELL") == "" {
		return PowerShell
	}
	return Posix
}

// Export is the line that sets a variable, to any text without a NUL byte.
func (s Shell) Export(name, value string) string {
	switch s {
	case Fish:
		return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "';" // `eval (...)` joins lines
	case PowerShell:
		// It takes the typographic quotes for the plain one.
		doubled := strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(value)
		return "$env:" + name + " = '" + doubled + "'"
	}
	return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// Unset are the lines that take variables away; none for no names.
func (s Shell) Unset(names ...string) []string {
	if len(names) == 0 {
		return nil
	}
	switch s {
	case Fish:
		return []string{"set -e " + strings.Join(names, " ") + ";"}
	case PowerShell:
		paths := make([]string, len(names))
		for i, name := range names {
			paths[i] = "Env:" + name
		}
		return []string{"Remove-Item " + strings.Join(paths, ", ") + " -ErrorAction SilentlyContinue"}
	}
	// fish, which reads this too, has no unset, and its set is another one.
	all := strings.Join(names, " ")
	return []string{"command -v unset >/dev/null && unset " + all, "command -v unset >/dev/null || set -e " + all}
}

// Source is the command line that runs what command prints.
func (s Shell) Source(command string) string {
	switch s {
	case Fish:
		return command + " | source"
	case PowerShell:
		return command + " | Out-String | Invoke-Expression"
	}
	return `eval "$(` + command + `)"`
}
