package installed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// A program of which a part is missing is found on every system, for every
// system.
func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		whole := filepath.Join(dir, goos)
		build := exec.Command("go", "build", "-o", whole, source)
		build.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if p := installed.FileProblem(whole); p.Reason != "" {
			t.Errorf("%s: %+v", goos, p)
		}
		content, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []int{100, len(content) / 2, len(content) - len(content)/10} {
			cut := filepath.Join(dir, "cut")
			if err := os.WriteFile(cut, content[:part], 0o700); err != nil {
				t.Fatal(err)
			}
			if p := installed.FileProblem(cut); !strings.Contains(p.Reason, "a part of the file is missing") {
				t.Errorf("%s, %d of %d bytes: %+v", goos, part, len(content), p)
			}
		}
	}
}

func TestTextWithoutAnInterpreter(t *testing.T) {
	const missing = "names no interpreter"
	for content, want := range map[string]string{
		"echo hello\n":                     missing,
		strings.Repeat("é", 400):           missing,
		"x" + strings.Repeat("é", 400):     missing,
		"":                                 "",
		"\x7fnothing known\x00":            "",
		"\xff\xfe\xfd" + "binary \x01":     "",
		"\xca\xfe\xba\xbe\x00\x00\x00\x3d": "", // a class of Java
	} {
		path := filepath.Join(t.TempDir(), "fal-x")
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "windows" {
			want = ""
		}
		if p := installed.FileProblem(path); want == "" && p.Reason != "" || !strings.Contains(p.Reason, want) {
			t.Errorf("%q: %+v, want %q", content, p, want)
		}
	}
}
