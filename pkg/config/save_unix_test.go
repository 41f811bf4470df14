//go:build unix

package config_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func setKey(f *config.File) error { return f.Set("dev", "key", "id:new") }

func TestPermissions(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "config.toml")
	if err := config.Update(path, setKey); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != 0o600 {
		t.Errorf("file has mode %v", got)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if got := mode(t, d); got != fs.ModeDir|0o700 {
			t.Errorf("folder has mode %v", got)
		}
	}
	// A file that others could read is theirs no more.
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := config.Update(path, func(f *config.File) error { return f.CreateProfile("b") }); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != 0o600 {
		t.Errorf("file has mode %v after an update", got)
	}
}

// TestOwnerIsKept has something to keep when root runs it.
func TestOwnerIsKept(t *testing.T) {
	owner := os.Geteuid()
	if owner == 0 {
		owner = 65534
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	write(t, path, "[a]\n")
	if err := os.Chown(path, owner, -1); err != nil {
		t.Fatal(err)
	}
	if err := config.Update(path, setKey); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := int(info.Sys().(*syscall.Stat_t).Uid); got != owner {
		t.Errorf("the file belongs to %d, before to %d", got, owner)
	}
}

func TestLinksAreWrittenThrough(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(t *testing.T, dir, real string) (path string)
	}{
		{"absolute link", func(t *testing.T, dir, real string) string {
			return link(t, real, filepath.Join(dir, "config.toml"))
		}},
		{"relative link of a link", func(t *testing.T, dir, real string) string {
			link(t, real, filepath.Join(dir, "first"))
			return link(t, "first", filepath.Join(dir, "config.toml"))
		}},
		{"folder is a link", func(t *testing.T, dir, real string) string {
			return filepath.Join(link(t, filepath.Dir(real), filepath.Join(dir, ".fal")), filepath.Base(real))
		}},
	} {
		for _, exists := range []bool{true, false} {
			name := tt.name
			if !exists {
				name += " to nothing"
			}
			t.Run(name, func(t *testing.T) {
				real := filepath.Join(t.TempDir(), "real.toml")
				want := "[dev]\nkey = \"id:new\"\n"
				if exists {
					write(t, real, "# mine\n"+want)
					write(t, real, "# mine\n[dev]\nkey = 'id:old'\n")
					want = "# mine\n" + want
				}
				path := tt.make(t, t.TempDir(), real)
				before, _ := os.Readlink(path)
				if err := config.Update(path, setKey); err != nil {
					t.Fatal(err)
				}
				if after, _ := os.Readlink(path); after != before {
					t.Errorf("the link leads to %q, before to %q", after, before)
				}
				if got := read(t, real); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
	t.Run("loop", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config.toml")
		link(t, path, path)
		asError(t, config.Update(path, setKey), config.Unwritable)
	})
	t.Run("device", func(t *testing.T) {
		// Stands for FAL_CONFIG_PATH=/dev/null: reading it is fine, and
		// replacing it would be a disaster.
		path := filepath.Join(t.TempDir(), "null")
		link(t, os.DevNull, path)
		if _, err := config.Open(path); err != nil {
			t.Error(err)
		}
	})
}

func TestPipeIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fed := make(chan error, 1)
	go func() { fed <- os.WriteFile(path, []byte("[dev]\nkey = 'a:b'\n"), 0o600) }()
	asError(t, config.Update(path, setKey), config.Unwritable)
	if err := <-fed; err != nil {
		t.Error(err)
	}
	if got := mode(t, path); got.Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe became %v", got)
	}
}

func link(t *testing.T, to, at string) string {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestReadOnlyFolder runs the edit in a process of its own, which gives up the
// right to write everywhere when the tests have it.
func TestReadOnlyFolder(t *testing.T) {
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.MkdirTemp("", "config-read-only")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "fal")
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o700)
		if err := os.RemoveAll(base); err != nil {
			t.Error(err)
		}
	})
	program := filepath.Join(base, "program")
	if err := os.WriteFile(program, binary, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.toml")
	write(t, path, "[dev]\n")
	for name, perm := range map[string]fs.FileMode{base: 0o755, program: 0o755, path: 0o644, dir: 0o555} {
		if err := os.Chmod(name, perm); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), editPath+"="+path)
	cmd.Dir = base
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	checkRefused(t, string(out), path)
	if got := read(t, path); got != "[dev]\n" {
		t.Errorf("the file was changed to %q", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// checkRefused is what a process that cannot write must say, once.
func checkRefused(t *testing.T, output, path string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(output, "\n"), "\n")
	if len(lines) != 2 || lines[0] != string(config.Unwritable) ||
		!strings.HasPrefix(lines[1], "cannot write "+path+": ") || strings.Contains(output, "TOPSECRET") {
		t.Errorf("output %q", output)
	}
}
