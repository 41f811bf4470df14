//go:build linux || darwin

package runtime

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// plane is a control plane in a process of its own, to be killed.
type plane struct {
	cmd         *exec.Cmd
	dir         string
	supervisors []int
	processes   []int // all but the supervisors
}

// startPlane runs n processes that print the pids of extra descendants each.
func startPlane(t *testing.T, n, extra int, script string) *plane {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pl := &plane{dir: filepath.Join(t.TempDir(), "processes")}
	pl.cmd = exec.Command(program, append([]string{controlPlaneArgument, pl.dir, strconv.Itoa(n)}, shell(script)...)...)
	pl.cmd.Stderr = os.Stderr
	out, err := pl.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := pl.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pl.kill(t) })
	lines := bufio.NewScanner(out)
	for len(pl.supervisors) < n || len(pl.processes) < n*(1+extra) {
		if !lines.Scan() {
			t.Fatalf("the control plane ended: %v", lines.Err())
		}
		word, number, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			number = word
		}
		pid, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("the control plane says %q", lines.Text())
		}
		if word == "supervisor" {
			pl.supervisors = append(pl.supervisors, pid)
		} else {
			pl.processes = append(pl.processes, pid)
		}
	}
	return pl
}

func (pl *plane) kill(t *testing.T) {
	t.Helper()
	if pl.cmd.ProcessState != nil {
		return
	}
	if err := pl.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := pl.cmd.Wait(); !errors.As(err, &exit) {
		t.Error(err)
	}
}

// next is the runtime of the next start of the control plane.
func (pl *plane) next(t *testing.T) *Runtime {
	t.Helper()
	rt := newRuntime(t)
	rt.records = recordDir(pl.dir)
	return rt
}

func TestControlPlaneKilled(t *testing.T) {
	const n = 20
	pl := startPlane(t, n, 2, `trap '' TERM HUP INT; sleep 1000 & echo $!; sh -c 'echo $$; exec sleep 1000' & wait`)
	for _, pid := range append(pl.processes, pl.supervisors...) {
		if !running(pid) {
			t.Errorf("process %d is not running yet", pid)
		}
	}
	pl.kill(t)
	eventually(t, "all processes are gone", func() bool {
		return !slices.ContainsFunc(append(pl.processes, pl.supervisors...), running)
	})
	reaped, err := pl.next(t).Reap()
	if err != nil || len(reaped) != n {
		t.Errorf("reaped %+v, %v, want %d", reaped, err, n)
	}
	for _, r := range reaped {
		if r.Outcome != Gone || !strings.HasPrefix(r.ID, "p") || r.Identity == "" {
			t.Errorf("got %+v, want it gone", r)
		}
	}
}

func TestSupervisorKilled(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `trap '' TERM; sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; wait' & wait`)
	pids := tr.pids(t, 2)
	if err := syscall.Kill(p.supervisor.identity.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got.Code != -1 || got.Err != ErrSupervisorLost {
		t.Errorf("got %+v, want ErrSupervisorLost", got)
	}
	gone(t, append(pids, p.PID())...)
}

// A supervisor that is asked to end asks its process.
func TestSupervisorTerminated(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `trap 'exit 9' TERM; echo 1; while :; do sleep 0.02; done`)
	tr.pids(t, 1)
	if err := syscall.Kill(p.supervisor.identity.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got != (ExitStatus{Code: 9}) {
		t.Errorf("got %+v, want exit code 9", got)
	}
}

// Whoever starts a supervisor by hand is told so.
func TestSupervisorByHand(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `exec "$0" "$1" 3>&-`, program, superviseArgument)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "not started by a control plane") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCloseOnExec(t *testing.T) {
	fd, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := closeOnExec("/dev/fd"); err != nil {
		t.Fatal(err)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v", flags, err)
	}
}

// stranger is a live process that no runtime has started, and leads a session.
func stranger(t *testing.T) identity {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Error(err)
		}
	})
	id, err := identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestReapForged(t *testing.T) {
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	dead := identity{PID: 1 << 30, Start: 1, Boot: boot}
	tests := []struct {
		name  string
		forge func(rec *record, id identity)
		dies  bool
	}{
		{"the very process", func(rec *record, id identity) { rec.Process = id }, true},
		{"the very supervisor", func(rec *record, id identity) { rec.Supervisor, rec.Process = id, identity{} }, true},
		{"started earlier", func(rec *record, id identity) { id.Start--; rec.Process = id }, false},
		{"started later", func(rec *record, id identity) { id.Start++; rec.Process = id }, false},
		{"start unknown", func(rec *record, id identity) { id.Start = 0; rec.Process = id }, false},
		{"another boot", func(rec *record, id identity) {
			id.Boot, rec.Supervisor.Boot = "another", "another"
			rec.Process = id
		}, false},
		{"a supervisor started earlier", func(rec *record, id identity) { id.Start--; rec.Supervisor = id }, false},
		{"the session of a dead supervisor", func(rec *record, id identity) {
			sid, err := sessionOf(id.PID)
			if err != nil || sid != id.PID {
				t.Fatalf("session %d, %v, want its own", sid, err)
			}
			rec.Supervisor = identity{PID: sid, Start: id.Start - 1, Boot: id.Boot}
		}, false},
		{"all zero", func(rec *record, id identity) { rec.Process = identity{} }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rt := newRuntime(t)
			id := stranger(t)
			mark, err := newMark()
			if err != nil {
				t.Fatal(err)
			}
			rec := record{ID: "forged", Mark: mark, Owner: dead, Supervisor: dead}
			test.forge(&rec, id)
			if err := rt.records.write(rec); err != nil {
				t.Fatal(err)
			}
			reaped, err := rt.Reap()
			if err != nil || len(reaped) != 1 {
				t.Fatalf("reaped %+v, %v, want one", reaped, err)
			}
			want := Reaped{ID: "forged", Outcome: Gone}
			if rec.Process.PID != 0 {
				want.Identity = rec.Process.String()
			}
			if test.dies {
				want.Outcome, want.Killed = Killed, []int{id.PID}
			}
			got := reaped[0]
			if got.ID != want.ID || got.Identity != want.Identity || got.Outcome != want.Outcome || !slices.Equal(got.Killed, want.Killed) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if running(id.PID) == test.dies {
				t.Errorf("running: %v", running(id.PID))
			}
		})
	}
}

func TestReapRubbish(t *testing.T) {
	rt := newRuntime(t)
	for name, content := range map[string]string{
		"empty.json":          "",
		"list.json":           "[]",
		"other.json":          `{"mark":"another","supervisor":{"pid":12345}}`,
		"init.json":           `{"mark":"init","supervisor":{"pid":1}}`,
		"unfinished.json.tmp": "{",
	} {
		if err := os.WriteFile(filepath.Join(string(rt.records), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reaped, err := rt.Reap()
	if err != nil || len(reaped) != 4 {
		t.Errorf("reaped %+v, %v, want 4", reaped, err)
	}
	for _, r := range reaped {
		if r.Outcome != Unreadable {
			t.Errorf("got %+v, want it unreadable", r)
		}
	}
}

func TestReapSparesOwn(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `echo 1; exec sleep 1000`)
	tr.pids(t, 1)
	if reaped, err := rt.Reap(); err != nil || len(reaped) > 0 {
		t.Errorf("reaped %+v, %v", reaped, err)
	}
	if !running(p.PID()) {
		t.Error("the process is dead")
	}
	info, err := os.Stat(rt.records.path(p.supervisor.record.Mark))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("record: %v, %v", info, err)
	}
}
