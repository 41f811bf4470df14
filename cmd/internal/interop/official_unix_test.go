//go:build unix

package interop

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePython writes an interpreter whose venvs hold a python that counts the
// installations in installs, and a client of the given version.
func fakePython(t *testing.T, pythonVersion, clientVersion string) (python, installs string) {
	t.Helper()
	dir := t.TempDir()
	python, installs = filepath.Join(dir, "python3"), filepath.Join(dir, "installs")
	script := fmt.Sprintf(`#!/bin/sh
case "$1 $2" in
"-c "*) echo %[1]s ;;
"-m venv")
	mkdir -p "$3/bin"
	printf '#!/bin/sh\necho installed >> "%[3]s"\n[ ! -e "%[3]s.broken" ]\n' > "$3/bin/python"
	printf '#!/bin/sh\necho %[2]s\n' > "$3/bin/fal"
	chmod +x "$3/bin/python" "$3/bin/fal" ;;
esac
`, pythonVersion, clientVersion, installs)
	if err := os.WriteFile(python, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return python, installs
}

func count(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

const fakeLock = "fal==1.2.3\n"

func TestOfficialInstallsOnce(t *testing.T) {
	python, installs := fakePython(t, "3.12", "1.2.3")
	source := Source{Cache: t.TempDir(), Python: python, lock: fakeLock}
	t.Setenv("FAL_HOST", "not for the client")

	var first string
	for range 3 {
		path, err := source.Official(t.Context(), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = path
		}
		if path != first || !strings.HasPrefix(path, filepath.Join(source.Cache, "1.2.3-")) {
			t.Errorf("installed at %s", path)
		}
	}
	if n := count(t, installs); n != 1 {
		t.Errorf("%d installations", n)
	}

	source.Venv = filepath.Dir(filepath.Dir(first))
	if path, err := source.Official(t.Context(), io.Discard); err != nil || path != first {
		t.Errorf("the finished environment gave %q, %v", path, err)
	}
}

func TestOfficialRepairs(t *testing.T) {
	python, installs := fakePython(t, "3.12", "1.2.3")
	source := Source{Cache: t.TempDir(), Python: python, lock: fakeLock}

	if err := os.WriteFile(installs+".broken", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Official(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "pip") {
		t.Fatalf("a failing pip gave %v", err)
	}
	if err := os.Remove(installs + ".broken"); err != nil {
		t.Fatal(err)
	}
	path, err := source.Official(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Official(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	if n := count(t, installs); n != 3 {
		t.Errorf("%d installations, want the failed one, its repeat and the repair", n)
	}
}

func TestOfficialSaysWhatIsMissing(t *testing.T) {
	old, _ := fakePython(t, "3.9", "1.2.3")
	other, _ := fakePython(t, "3.12", "1.2.4")
	noVenv := filepath.Join(t.TempDir(), "python3")
	if err := os.WriteFile(noVenv, []byte("#!/bin/sh\necho \"No module named 'ensurepip'\" >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		source Source
		want   []string
	}{
		{"no python", Source{Python: filepath.Join(t.TempDir(), "python3")}, []string{"no such file", "needs Python 3.11", "FAL_INTEROP_PYTHON"}},
		{"no venv", Source{Python: noVenv}, []string{"ensurepip", "apt install python3-venv"}},
		{"old python", Source{Python: old}, []string{"is Python 3.9", "needs Python 3.11"}},
		{"other version", Source{Python: other}, []string{`"1.2.4"`, "1.2.3 is pinned"}},
		{"no environment", Source{Venv: t.TempDir()}, []string{"FAL_INTEROP_VENV", "no such file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.source.Cache, test.source.lock = t.TempDir(), fakeLock
			_, err := test.source.Official(t.Context(), io.Discard)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}
