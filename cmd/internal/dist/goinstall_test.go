package main

import (
	"archive/zip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// versionOf is the first line of what a program answers to --version.
func versionOf(t *testing.T, program string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	out, err := exec.Command(program, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("%s --version: %v\n%s", program, err, out)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// go install refuses the programs of a module whose go.mod replaces anything.
func TestModuleReplacesNothing(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = filepath.Join("..", "..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module           struct{ Path string }
		Replace, Exclude []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Module.Path != module || len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Errorf("go.mod of %s replaces %v and excludes %v", mod.Module.Path, mod.Replace, mod.Exclude)
	}
}

// go install …/cmd/fal@latest and …/cmd/fal-runners@latest, from a module proxy
// that is a folder.
func TestGoInstall(t *testing.T) {
	tree, proxy, bin := copyTree(t, "fal", "fal-runners"), t.TempDir(), t.TempDir()
	const version = "v0.4.0"
	at := module + "/@v/"
	put(t, proxy, at+"list", version+"\n")
	put(t, proxy, at+version+".info", `{"Version":"`+version+`","Time":"2026-11-22T00:35:04Z"}`)
	if err := copyFile(filepath.Join(proxy, filepath.FromSlash(at), version+".mod"), filepath.Join(tree, "go.mod")); err != nil {
		t.Fatal(err)
	}
	if err := zipModule(filepath.Join(proxy, filepath.FromSlash(at), version+".zip"), tree, module+"@"+version); err != nil {
		t.Fatal(err)
	}
	cached := filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download")
	fileURL := func(path string) string { return "file:///" + strings.TrimPrefix(filepath.ToSlash(path), "/") }
	env := append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-modcacherw -trimpath", "GOWORK=off", "GOBIN="+bin, "GOMODCACHE="+t.TempDir(),
		"GOPROXY="+fileURL(proxy)+","+fileURL(cached)+","+goEnv(t, "GOPROXY"), "GONOSUMDB="+module, "GONOPROXY=none", "GOPRIVATE=", "GOSUMDB=off")
	for _, name := range []string{"fal", "fal-runners"} {
		if err := run(t.Context(), t.TempDir(), env, "go", "install", module+"/cmd/"+name+"@latest"); err != nil {
			t.Fatal(err)
		}
		if got := versionOf(t, filepath.Join(bin, name)); !strings.HasPrefix(got, name+" 0.4.0 (") {
			t.Errorf("--version: %q", got)
		}
	}
}

// zipModule writes a module in the form that proxies hand out: without the
// modules that lie below it.
func zipModule(to, tree, prefix string) error {
	return create(to, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != tree {
					return fs.SkipDir
				}
				return nil
			}
			rel, err := filepath.Rel(tree, path)
			if err != nil {
				return err
			}
			entry, err := archive.Create(prefix + "/" + filepath.ToSlash(rel))
			if err != nil {
				return err
			}
			return copyFrom(entry, path)
		})
		if err != nil {
			return err
		}
		return archive.Close()
	})
}

// go build in sources that are no git checkout, without make.
func TestPlainBuild(t *testing.T) {
	tree, bin := copyTree(t, "fal"), t.TempDir()
	env := append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if err := run(t.Context(), tree, env, "go", "build", "-o", bin+string(filepath.Separator), "./cmd/fal"); err != nil {
		t.Fatal(err)
	}
	want := "fal devel (" + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	if got := versionOf(t, filepath.Join(bin, "fal")); got != want {
		t.Errorf("--version: %q, want %q", got, want)
	}
}
