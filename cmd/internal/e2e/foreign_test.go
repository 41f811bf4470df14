//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestForeignWords types every word of other programs that is known, which must
// be no command, and looks up the command that is suggested for it.
func TestForeignWords(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../../../plugins/internal/suggest/foreign.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`\{"([a-z]*)", "([a-z-]+)", "([a-z -]+)"\}`).FindAllStringSubmatch(string(source), -1)
	if len(rows) < 50 {
		t.Fatalf("%d words", len(rows))
	}
	env := []string{"HOME=" + t.TempDir(), "PATH=" + bin}
	run := func(words ...string) (out string, code int) {
		cmd := exec.Command(filepath.Join(bin, "fal"), words...)
		cmd.Env = env
		text, _ := cmd.CombinedOutput()
		return string(text), cmd.ProcessState.ExitCode()
	}
	for _, row := range rows {
		noun, word, meant := row[1], row[2], row[3]
		typed, unknown := []string{noun, word}, 2
		if noun == "" {
			typed, unknown = []string{word}, 127
		}
		out, code := run(typed...)
		if code != unknown || !strings.Contains(out, "hint: did you mean `fal "+meant+"`?\n") {
			t.Errorf("fal %s: %d, %s", strings.Join(typed, " "), code, out)
		}
		if out, code := run(append([]string{"help"}, strings.Fields(meant)...)...); code != 0 {
			t.Errorf("fal help %s: %d, %s", meant, code, out)
		}
	}
}
