package localplane

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// awkward are values that a shell would do something with.
func awkward() []string {
	return []string{
		"", "plain", "it's", `back\slash`, `end\`, `\'`, `"double"`, "$HOME", "`id`", "$(id)", "a;b", "a b", "line\nbreak",
		"tab\t", "*", "~", "é", "‘typographic’", "'", "''", "%PATH%", "!x", "#", "-n",
	}
}

// The shells that are there read back what was meant.
func TestShellsReadBack(t *testing.T) {
	t.Parallel()
	for _, s := range []Shell{Posix, Fish} {
		program, err := exec.LookPath(string(s))
		if err != nil {
			if s == Posix && os.PathSeparator == '/' {
				t.Fatal(err)
			}
			t.Logf("%s is not on this machine", s)
			continue
		}
		for _, value := range awkward() {
			cmd := exec.Command(program, "-c", s.Export("FAL_TEST", value)+"\n"+`sh -c 'printf "<%s>" "$FAL_TEST"'`)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8"}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != "<"+value+">" {
				t.Errorf("%s: %q became %q, %v", s, value, out, err)
			}
		}
	}
}

func TestPowerShellQuotes(t *testing.T) {
	t.Parallel()
	got := PowerShell.Export("X", "it's ‘so’")
	if want := "$env:X = 'it''s ‘‘so’’'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGuessShell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, system string
		want         Shell
	}{
		{"/usr/bin/fish", "linux", Posix}, {"/bin/zsh", "darwin", Posix},
		{"", "linux", Posix}, {"", "windows", PowerShell}, {"/usr/bin/bash", "windows", Posix},
		{"/usr/bin/fish.exe", "windows", Posix}, {"/bin/tcsh", "linux", Posix},
	} {
		if got := GuessShell(func(string) string { return c.path }, c.system); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.path, c.system, got, c.want)
		}
	}
}

// What takes variables away leaves none behind, whoever else reads it.
func TestShellsUnset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		Shell
		reader []string
	}{
		{Posix, []string{"sh", "-eu"}}, {Posix, []string{"bash", "-eu"}}, {Posix, []string{"dash", "-eu"}}, {Posix, []string{"zsh", "-eu"}},
		{Posix, []string{"fish"}}, {Fish, []string{"fish"}},
	} {
		s := strings.Join(c.reader, " ")
		program, err := exec.LookPath(c.reader[0])
		if err != nil {
			t.Logf("%s is not on this machine", s)
			continue
		}
		script := strings.Join(c.Unset("FAL_ONE", "FAL_TWO"), "\n") + "\n" + `sh -c 'printf "<%s>" "${FAL_ONE-none}${FAL_TWO-none}$FAL_THREE"'`
		cmd := exec.Command(program, append(c.reader[1:], "-c", script)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "FAL_ONE=1", "FAL_TWO=2", "FAL_THREE=3"}
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "<nonenone3>" {
			t.Errorf("%s: %q, %v", s, out, err)
		}
	}
	if got := PowerShell.Unset("A", "B"); len(got) != 1 || got[0] != "Remove-Item Env:A, Env:B -ErrorAction SilentlyContinue" {
		t.Errorf("PowerShell: %q", got)
	}
	if got := Posix.Unset(); got != nil {
		t.Errorf("nothing: %q", got)
	}
}
