package installed

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The version is found in programs that are built as the Makefile builds them:
// without paths, and without the linker's flags in the build information.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	build := func(name string, flags ...string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		args := append([]string{"build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", path}, flags...)
		cmd := exec.Command("go", append(args, Module+"/cmd/fal")...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return path
	}
	stamped := build("stamped", "-ldflags", "-s -w -X '"+Module+"/plugins/internal/version.stamp=fal-version<1.2.3-rc.1>'")
	if v, own := Version(stamped); v != "1.2.3-rc.1" || !own {
		t.Errorf("stamped: %q, %v", v, own)
	}
	if _, own := Version(build("plain", "-buildvcs=false")); !own {
		t.Error("plain: not taken for ours")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{goTool, filepath.Join(dir, "missing"), dir} {
		if v, own := Version(path); v != "" || own {
			t.Errorf("%s: %q, %v", path, v, own)
		}
	}
}
