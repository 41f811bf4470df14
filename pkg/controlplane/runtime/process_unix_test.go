//go:build linux || darwin

package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that is certain to happen,
// on however busy a machine.
const patience = 2 * time.Minute

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

func newRuntime(t *testing.T) *Runtime {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rt, err := New(Options{
		Supervisor: []string{program, superviseArgument},
		Dir:        filepath.Join(t.TempDir(), "processes"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if marks, unfinished, err := rt.records.list(); len(marks)+len(unfinished) > 0 || err != nil {
			t.Errorf("records remain: %v %v, %v", marks, unfinished, err)
		}
	})
	return rt
}

// transcript collects lines.
type transcript struct {
	mu    sync.Mutex
	lines []Line
}

func (tr *transcript) add(l Line) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, l)
}

func (tr *transcript) texts(source Source) []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var texts []string
	for _, l := range tr.lines {
		if l.Source == source {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

// pids returns the numbers that were printed, once there are n of them.
func (tr *transcript) pids(t *testing.T, n int) []int {
	t.Helper()
	var pids []int
	eventually(t, fmt.Sprintf("%d pids are printed", n), func() bool {
		pids = nil
		for _, text := range tr.texts(Stdout) {
			if pid, err := strconv.Atoi(text); err == nil {
				pids = append(pids, pid)
			}
		}
		return len(pids) >= n
	})
	return pids
}

func shell(script string) []string { return []string{"sh", "-c", script} }

func path() string { return "PATH=" + os.Getenv("PATH") }

func start(t *testing.T, rt *Runtime, script string) (*Process, *transcript) {
	t.Helper()
	var tr transcript
	p, err := rt.Start(t.Context(), Spec{ID: t.Name(), Argv: shell(script), Env: []string{path()}, Output: tr.add})
	if err != nil {
		t.Fatal(err)
	}
	return p, &tr
}

// wait returns how the process ended.
func wait(t *testing.T, p *Process) ExitStatus {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatal("the process does not end")
	}
	return p.Exit()
}

func running(pid int) bool {
	_, is, err := processStart(pid)
	return err == nil && is
}

// gone reports those that are still running, which none may be any more.
func gone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if running(pid) {
			t.Errorf("process %d is still running", pid)
		}
	}
}

func TestExitStatus(t *testing.T) {
	rt := newRuntime(t)
	tests := []struct {
		script string
		want   ExitStatus
	}{
		{"exit 0", ExitStatus{}},
		{"exit 3", ExitStatus{Code: 3}},
		{"exit 255", ExitStatus{Code: 255}},
		{"kill -TERM $$", ExitStatus{Code: -1, Signal: "SIGTERM"}},
		{"kill -KILL $$", ExitStatus{Code: -1, Signal: "SIGKILL"}},
		{"kill -SEGV $$", ExitStatus{Code: -1, Signal: "SIGSEGV"}},
	}
	for _, test := range tests {
		t.Run(test.script, func(t *testing.T) {
			p, _ := start(t, rt, test.script)
			if got := wait(t, p); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			for name, err := range map[string]error{"Terminate": p.Terminate(), "Kill": p.Kill()} {
				if !errors.Is(err, os.ErrProcessDone) {
					t.Errorf("%s afterwards: %v", name, err)
				}
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	rt := newRuntime(t)
	p, _ := start(t, rt, "read never")
	q, _ := start(t, rt, "exec sleep 1000")
	wait(t, p) // its standard input is empty
	if p.Identity() == q.Identity() || q.Identity() == "" {
		t.Errorf("identities %q and %q", p.Identity(), q.Identity())
	}
	id, err := identify(q.PID())
	if err != nil || id.String() != q.Identity() || !id.alive() {
		t.Errorf("got %v, %v, want %v alive", id, err, q.Identity())
	}
	if pgid, err := syscall.Getpgid(q.PID()); err != nil || pgid != q.PID() {
		t.Errorf("process group %d, %v, want %d", pgid, err, q.PID())
	}
	other := id
	other.Start++
	if other.alive() {
		t.Error("another start time counts as alive")
	}
	other = id
	other.Boot = "another"
	if other.alive() {
		t.Error("another boot counts as alive")
	}
}

func TestOutput(t *testing.T) {
	rt := newRuntime(t)
	before := time.Now()
	p, tr := start(t, rt, `
		printf 'one\ntwo\r\n\n\377\376\nlast'
		printf 'error\n' >&2`)
	wait(t, p)
	if got, want := tr.texts(Stdout), []string{"one", "two", "", "\xff\xfe", "last"}; !slices.Equal(got, want) {
		t.Errorf("stdout %q, want %q", got, want)
	}
	if got, want := tr.texts(Stderr), []string{"error"}; !slices.Equal(got, want) {
		t.Errorf("stderr %q, want %q", got, want)
	}
	for _, l := range tr.lines {
		if l.Time.Before(before) || l.Time.After(time.Now()) {
			t.Errorf("line %q at %v", l.Text, l.Time)
		}
	}
}

// All output is there when Done is closed, also when it is received slowly and
// the process has long ended, and calls never overlap.
func TestOutputIsComplete(t *testing.T) {
	rt := newRuntime(t)
	var mu sync.Mutex
	count := map[Source]int{}
	p, err := rt.Start(t.Context(), Spec{
		Argv: shell(`i=0; while [ $i -lt 3000 ]; do echo "line $i"; echo "line $i" >&2; i=$((i+1)); done`),
		Env:  []string{path()},
		Output: func(l Line) {
			if !mu.TryLock() {
				t.Error("calls overlap")
				return
			}
			defer mu.Unlock()
			if want := fmt.Sprintf("line %d", count[l.Source]); l.Text != want {
				t.Errorf("%v: %q, want %q", l.Source, l.Text, want)
			}
			count[l.Source]++
			if count[l.Source]%500 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, p)
	if count[Stdout] != 3000 || count[Stderr] != 3000 {
		t.Errorf("received %v lines", count)
	}
}

func TestOutputDiscarded(t *testing.T) {
	rt := newRuntime(t)
	p, err := rt.Start(t.Context(), Spec{Argv: shell(`head -c 1000000 /dev/zero`), Env: []string{path()}})
	if err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got != (ExitStatus{}) {
		t.Errorf("got %+v", got)
	}
}

func TestEnvironmentAndFolder(t *testing.T) {
	t.Setenv("RUNTIME_TEST_INHERITED", "yes")
	rt := newRuntime(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var tr transcript
	p, err := rt.Start(t.Context(), Spec{
		Argv:   shell(`pwd; echo "$A|$B|$RUNTIME_TEST_INHERITED|$FAL_LOCAL_PROCESS|$GOMAXPROCS"; echo "$0" "$@"`),
		Env:    []string{path(), "A=first", "B=b=\n", "A=last", markVariable + "=forged"},
		Dir:    dir,
		Output: tr.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, p)
	mark := p.supervisor.record.Mark
	want := []string{dir, "last|b=", "||" + mark + "|", "sh"}
	if got := tr.texts(Stdout); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRelativeCommands(t *testing.T) {
	rt := newRuntime(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "hello"), []byte("#!/bin/sh\necho hello $1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []Spec{
		{Argv: []string{"bin/hello", "you"}, Dir: dir, Env: []string{path()}},
		{Argv: []string{"./hello", "you"}, Dir: filepath.Join(dir, "bin"), Env: []string{path()}},
		{Argv: []string{"hello", "you"}, Env: []string{"PATH=relative::/nonexistent:" + filepath.Join(dir, "bin")}},
	} {
		var tr transcript
		spec.Output = tr.add
		p, err := rt.Start(t.Context(), spec)
		if err != nil {
			t.Error(err)
			continue
		}
		wait(t, p)
		if got := tr.texts(Stdout); !slices.Equal(got, []string{"hello you"}) {
			t.Errorf("%q: got %q", spec.Argv, got)
		}
	}
}

func TestTerminate(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `trap 'echo bye; exit 7' TERM; echo 1; while :; do sleep 0.02; done`)
	tr.pids(t, 1)
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got != (ExitStatus{Code: 7}) {
		t.Errorf("got %+v, want exit code 7", got)
	}
	if got := tr.texts(Stdout); !slices.Equal(got, []string{"1", "bye"}) {
		t.Errorf("output %q", got)
	}
}

// Termination reaches the whole group, and what ignores it goes with its leader.
func TestTerminateGroup(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `
		sh -c 'trap "echo stopped; exit" TERM; echo $$; while :; do sleep 0.02; done' &
		child=$!
		sh -c 'trap "" TERM; echo $$; while :; do sleep 0.02; done' &
		trap 'wait $child; exit 4' TERM
		wait`)
	pids := tr.pids(t, 2)
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got != (ExitStatus{Code: 4}) {
		t.Errorf("got %+v, want exit code 4", got)
	}
	if !slices.Contains(tr.texts(Stdout), "stopped") {
		t.Errorf("output %q", tr.texts(Stdout))
	}
	gone(t, pids...)
}

func TestKillGroup(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `trap '' TERM INT HUP; sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; wait' & echo $!; wait`)
	pids := tr.pids(t, 3)
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got != (ExitStatus{Code: -1, Signal: "SIGKILL"}) {
		t.Errorf("got %+v, want SIGKILL", got)
	}
	gone(t, append(pids, p.PID(), p.supervisor.identity.PID)...)
}

func TestLeftoversAreKilled(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `sleep 1000 & echo $!; exit 5`)
	pids := tr.pids(t, 1)
	if got := wait(t, p); got != (ExitStatus{Code: 5}) {
		t.Errorf("got %+v, want exit code 5", got)
	}
	gone(t, pids...)
}

func TestClose(t *testing.T) {
	rt := newRuntime(t)
	var pids []int
	for range 5 {
		p, tr := start(t, rt, `sleep 1000 & echo $!; wait`)
		pids = append(append(pids, p.PID()), tr.pids(t, 1)...)
	}
	if err := rt.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, pids...)
	if _, err := rt.Start(t.Context(), Spec{Argv: shell("exit")}); !errors.Is(err, ErrClosed) {
		t.Errorf("Start after Close: %v", err)
	}
}

func TestCloseDuringStart(t *testing.T) {
	rt := newRuntime(t)
	var starts sync.WaitGroup
	for range 8 {
		starts.Go(func() {
			p, err := rt.Start(context.Background(), Spec{Argv: shell("sleep 1000"), Env: []string{path()}})
			if err != nil {
				if !errors.Is(err, ErrClosed) {
					t.Errorf("Start: %v", err)
				}
				return
			}
			<-p.Done()
		})
	}
	eventually(t, "starts are under way", func() bool {
		rt.mu.Lock()
		defer rt.mu.Unlock()
		return len(rt.live) > 2
	})
	if err := rt.Close(); err != nil {
		t.Error(err)
	}
	starts.Wait()
}

func TestStartErrors(t *testing.T) {
	rt := newRuntime(t)
	dir := t.TempDir()
	file := func(name, content string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := file("plain", "#!/bin/sh\n", 0o600)
	rubbish := file("rubbish", "\x01\x02\x03", 0o700)
	interpreter := file("interpreter", "#!/nonexistent/interpreter\n", 0o700)
	secret := "hunter2"
	tests := []struct {
		name string
		spec Spec
		op   string
		is   error // nil for any
		text string
	}{
		{"no argv", Spec{}, "argv", nil, "no command"},
		{"empty command", Spec{Argv: []string{""}}, "argv", nil, "no command"},
		{"NUL in argv", Spec{Argv: []string{"sh", "a\x00b"}}, "argv", nil, "NUL"},
		{"NUL in environment", Spec{Argv: []string{"sh"}, Env: []string{"A=" + secret + "\x00"}}, "environment", nil, "NUL"},
		{"not a variable", Spec{Argv: []string{"sh"}, Env: []string{secret}}, "environment", nil, "NAME=value"},
		{"no such file", Spec{Argv: []string{filepath.Join(dir, "none")}}, "execute", fs.ErrNotExist, filepath.Join(dir, "none")},
		{"not in PATH", Spec{Argv: []string{"plain-none"}, Env: []string{"PATH=" + dir}}, "execute", fs.ErrNotExist, "not found in PATH"},
		{"empty PATH", Spec{Argv: []string{"sh"}, Env: []string{"PATH="}}, "execute", fs.ErrNotExist, "not found in PATH"},
		{"not executable", Spec{Argv: []string{plain}}, "execute", fs.ErrPermission, "permission denied"},
		{"not executable in PATH", Spec{Argv: []string{"plain"}, Env: []string{"PATH=" + dir}}, "execute", fs.ErrPermission, "permission denied"},
		{"a folder", Spec{Argv: []string{dir}}, "execute", nil, dir},
		{"no program", Spec{Argv: []string{rubbish}}, "execute", syscall.ENOEXEC, "exec format error"},
		{"no interpreter", Spec{Argv: []string{interpreter}}, "execute", fs.ErrNotExist, interpreter},
		{"too long", Spec{Argv: []string{"sh", strings.Repeat("x", 8<<20)}, Env: []string{path()}}, "execute", syscall.E2BIG, "too long"},
		{"no such folder", Spec{Argv: []string{"sh"}, Dir: filepath.Join(dir, "none")}, "folder", fs.ErrNotExist, filepath.Join(dir, "none")},
		{"folder is a file", Spec{Argv: []string{"sh"}, Dir: plain}, "folder", syscall.ENOTDIR, plain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.spec.ID = "r-1"
			p, err := rt.Start(t.Context(), test.spec)
			if err == nil {
				p.Kill()
				t.Fatal("it started")
			}
			var failure *StartError
			if !errors.As(err, &failure) || failure.Op != test.op || failure.ID != "r-1" {
				t.Errorf("got %#v, want a StartError about %q", err, test.op)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), secret) {
				t.Errorf("message %q", err)
			}
		})
	}
}

func TestNoSupervisor(t *testing.T) {
	tests := []struct {
		name string
		argv []string
		want string
	}{
		{"missing", []string{filepath.Join(t.TempDir(), "none")}, "no such file"},
		{"another program", []string{"/bin/sh", "-c", "echo what is this >&2; exit 2"}, `it said "what is this"`},
		{"silent", []string{"/bin/sh", "-c", "exit 0"}, "before it had started"},
		{"babbling", []string{"/bin/sh", "-c", "cat /dev/null; echo hello >&3"}, "malformed report"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rt := newRuntime(t)
			rt.supervisor = test.argv
			_, err := rt.Start(t.Context(), Spec{ID: "r-1", Argv: shell("exit"), Env: []string{path()}})
			var failure *StartError
			if !errors.As(err, &failure) || failure.Op != "supervisor" {
				t.Fatalf("got %#v, want a StartError about the supervisor", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
		})
	}
}

func TestNewErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []Options{
		{Dir: t.TempDir()},
		{Supervisor: []string{""}, Dir: t.TempDir()},
		{Supervisor: []string{"x"}},
		{Supervisor: []string{"x"}, Dir: file},
	} {
		if _, err := New(opts); err == nil {
			t.Errorf("New(%+v) succeeds", opts)
		}
	}
}

func TestStartCancelled(t *testing.T) {
	rt := newRuntime(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rt.Start(ctx, Spec{Argv: shell("exit")}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	// A supervisor that never says a word.
	rt.supervisor = []string{"/bin/sh", "-c", "exec sleep 1000"}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error)
	go func() {
		_, err := rt.Start(ctx, Spec{Argv: shell("exit"), Env: []string{path()}})
		result <- err
	}()
	var rec record
	eventually(t, "the supervisor is recorded", func() bool {
		marks, _, err := rt.records.list()
		if err != nil || len(marks) == 0 {
			return false
		}
		rec, err = rt.records.read(marks[0])
		return err == nil
	})
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled meanwhile: %v", err)
	}
	gone(t, rec.Supervisor.PID)
}

// The context of a start does not end what was started.
func TestStartContextEnds(t *testing.T) {
	rt := newRuntime(t)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := rt.Start(ctx, Spec{Argv: shell("exec sleep 1000"), Env: []string{path()}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.Terminate(); err != nil {
		t.Error(err)
	}
	if got := wait(t, p); got != (ExitStatus{Code: -1, Signal: "SIGTERM"}) {
		t.Errorf("got %+v, want SIGTERM", got)
	}
}
