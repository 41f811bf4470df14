//go:build interop && unix

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSourceDistribution has pip install the source distribution that ours
// uploads for a requirement which is a folder, from its requirement's name.
func TestSourceDistribution(t *testing.T) {
	python := commandIn(filepath.Dir(filepath.Dir(official(t))), "python")
	bin := build(t, "fal-deploy")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "deploy"))); err != nil {
		t.Fatal(err)
	}
	uploaded := filepath.Join(t.TempDir(), "interop_lib-1.0b2.tar.gz")
	deployedTo(t, uploaded, dir, python, []string{filepath.Join(bin, "fal-deploy"), "--python", python, "local.py"})
	target := filepath.Join(t.TempDir(), "site")
	s := newSession(t, "PYTHONPATH="+target)
	s.succeed(t, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--target", target, "Interop.Lib[fast] @ file://"+uploaded)
	said := s.succeed(t, python, "-c", `
import importlib.metadata as m, interop_lib
d = m.distribution("interop-lib")
print(interop_lib.VALUE, d.version, d.metadata["Summary"], d.requires, interop_lib.__file__)
`).stdout
	for _, want := range []string{"42 1.0b2 A library that an app brings along.", "packaging>=20", target} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
}
