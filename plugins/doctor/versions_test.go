package doctor

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// build makes a program of this project, of the version that tests have.
func build(t *testing.T, path string) {
	t.Helper()
	const module = "github.com/fal-plugins/fal"
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs",
		"-ldflags", "-s -w -X '"+module+"/plugins/internal/version.stamp=fal-version<devel>'", "-o", path, module+"/cmd/fal")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// restamp copies a program under another version, of the same length.
func restamp(t *testing.T, from, to, version string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	content = bytes.ReplaceAll(content, []byte("fal-version<devel>"), []byte("fal-version<"+version+">"))
	if err := os.WriteFile(to, content, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestVersions(t *testing.T) {
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	bin := t.TempDir()
	build(t, filepath.Join(bin, "fal"+exe)) // before the scene takes the build cache's folder away
	s := newScene(t)
	s.wants(s.patient().checkVersion(t.Context()), "warning", "devel in 0 plugins", "install the program fal")
	s.env["PATH"] = bin
	restamp(t, filepath.Join(bin, "fal"+exe), filepath.Join(bin, "fal-apps"+exe), "devel")
	s.wants(s.patient().checkVersion(t.Context()), "ok", "devel in fal and 1 plugin", "")
	s.wants(s.patient().checkClient(t.Context()), "skipped", "not on PATH", "")
	s.wants(s.patient().checkPlugins(t.Context()), "ok", "1 on PATH", "")

	other := filepath.Join(bin, "fal-runners"+exe)
	restamp(t, filepath.Join(bin, "fal"+exe), other, "1.2.3")
	s.wants(s.patient().checkVersion(t.Context()), "warning", "this is devel\n"+other+" is 1.2.3", "from one version")
}
