package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "__supervise" {
		os.Exit(runtime.Supervise())
	}
	// Under the race detector every supervisor would sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// contents is a store of uploaded files.
type contents map[string][]byte

func (c contents) Open(hash string) (io.ReadCloser, error) {
	data, ok := c[hash]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// file uploads a file.
func (c contents) file(path, text string, mode fs.FileMode) File {
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	c[hash] = []byte(text)
	return File{Path: path, Hash: hash, Mode: mode}
}

type workshop struct {
	*Builder
	contents
	dir     string
	runtime *runtime.Runtime
}

// newWorkshop returns a Builder whose PATH has, beside what is given, the programs
// of the system.
func newWorkshop(t testing.TB, path ...string) *workshop {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.New(runtime.Options{Supervisor: []string{exe, "__supervise"}, Dir: filepath.Join(t.TempDir(), "processes")})
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{contents: make(contents), dir: t.TempDir(), runtime: rt}
	w.reopen(path...)
	t.Cleanup(func() {
		w.Close()
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// reopen has another Builder use the folder, as after a restart.
func (w *workshop) reopen(path ...string) {
	w.Builder = New(Options{Dir: w.dir, Runtime: w.runtime, Files: w.contents, Environ: func() []string {
		env := append(os.Environ(), "FAL_KEY=secret")
		if len(path) > 0 {
			env = append(env, "PATH="+strings.Join(path, string(filepath.ListSeparator)))
		}
		return env
	}})
}

// record is a log that was kept.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) log(level, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, level+" "+message)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// run starts what was placed and returns what it writes.
func (w *workshop) run(t testing.TB, p *Placed, more ...string) (string, error) {
	t.Helper()
	var out record
	env := append(w.environment(nil, p.Env...), more...)
	err := w.Builder.run(context.Background(), runtime.Spec{ID: "test", Argv: p.Argv, Env: env, Dir: p.Dir}, func(_ runtime.Source, text string) {
		out.log("-", text)
	})
	return strings.ReplaceAll(out.String(), "- ", ""), err
}

// needPython skips where no Python is on PATH.
func needPython(t testing.TB) {
	t.Helper()
	if err := exec.Command("python3", "-m", "venv", "--help").Run(); err != nil {
		t.Skip("no python3 with venv is on PATH")
	}
}

func place(t testing.TB, p *Program) *Placed {
	t.Helper()
	placed, err := p.Place(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return placed
}
