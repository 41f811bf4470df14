package runtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func sessionOf(pid int) (int, error) { return unix.Getsid(pid) }

// escapes prints the pids of a child that leaves session and group, and of one
// that does so by way of a process that ends, as daemons do.
const escapes = `
	setsid sh -c 'trap "" TERM HUP; echo $$; sleep 1000 & wait' &
	sh -c 'setsid sh -c "echo \$\$; exec sleep 1000" &'
`

func TestSetsid(t *testing.T) {
	tests := []struct {
		name   string
		script string
		end    func(p *Process) error
		check  func(s ExitStatus) bool
	}{
		{"kill", escapes + "wait", (*Process).Kill, func(s ExitStatus) bool { return s.Signal == "SIGKILL" && s.Err == nil }},
		{"exit", escapes + "trap 'exit 6' TERM; while :; do sleep 0.02; done", (*Process).Terminate,
			func(s ExitStatus) bool { return s == ExitStatus{Code: 6} }},
		{"supervisor killed", escapes + "wait", func(p *Process) error {
			return syscall.Kill(p.supervisor.identity.PID, syscall.SIGKILL)
		}, func(s ExitStatus) bool { return errors.Is(s.Err, ErrSupervisorLost) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rt := newRuntime(t)
			p, tr := start(t, rt, test.script)
			pids := tr.pids(t, 2)
			if test.name == "exit" { // the trap is set last
				eventually(t, "the trap is set", func() bool { return caught(t, p.PID(), syscall.SIGTERM) })
			}
			if err := test.end(p); err != nil {
				t.Fatal(err)
			}
			if got := wait(t, p); !test.check(got) {
				t.Errorf("got %+v", got)
			}
			gone(t, append(pids, p.PID())...)
		})
	}
}

func TestControlPlaneKilledSetsid(t *testing.T) {
	pl := startPlane(t, 4, 2, escapes+"wait")
	pl.kill(t)
	eventually(t, "all processes are gone", func() bool {
		return !slices.ContainsFunc(append(pl.processes, pl.supervisors...), running)
	})
	if _, err := pl.next(t).Reap(); err != nil {
		t.Error(err)
	}
}

// With control plane and supervisors killed, the kernel kills the processes
// themselves, and the reaper finds by the mark what they had started.
func TestEverybodyKilled(t *testing.T) {
	const n = 4
	pl := startPlane(t, n, 3, escapes+"sleep 1000 & echo $!; wait")
	// A control plane that is stopped cannot do what it does when it loses one.
	stop(t, append([]int{pl.cmd.Process.Pid}, pl.supervisors...)...)
	for _, pid := range pl.supervisors {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	pl.kill(t)
	eventually(t, "the supervisors are gone", func() bool { return !slices.ContainsFunc(pl.supervisors, running) })
	eventually(t, "the processes are gone", func() bool {
		left := 0
		for _, pid := range pl.processes {
			if running(pid) {
				left++
			}
		}
		return left <= 3*n
	})
	reaped, err := pl.next(t).Reap()
	if err != nil || len(reaped) != n {
		t.Errorf("reaped %+v, %v, want %d", reaped, err, n)
	}
	for _, r := range reaped {
		if r.Outcome != Killed {
			t.Errorf("got %+v, want it killed", r)
		}
	}
	gone(t, pl.processes...)
}

// stop stops processes, and returns when each of their threads has stopped.
func stop(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	for _, pid := range pids {
		eventually(t, "all threads have stopped", func() bool {
			files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
			if err != nil || len(files) == 0 {
				t.Fatalf("no threads: %v", err)
			}
			return !slices.ContainsFunc(files, func(file string) bool {
				data, err := os.ReadFile(file)
				return err == nil && !strings.Contains(string(data), ") T ")
			})
		})
	}
}

func TestSupervisorStopped(t *testing.T) {
	rt := newRuntime(t)
	rt.killDelay = 50 * time.Millisecond
	p, tr := start(t, rt, `sleep 1000 & echo $!; wait`)
	pids := tr.pids(t, 1)
	stop(t, p.supervisor.identity.PID)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, p); got.Code != -1 || !errors.Is(got.Err, ErrSupervisorLost) {
		t.Errorf("got %+v, want ErrSupervisorLost", got)
	}
	gone(t, append(pids, p.PID())...)
}

// Supervisors that do not do their duty are the reaper's business.
func TestReapWithSupervisorsStopped(t *testing.T) {
	const n = 3
	pl := startPlane(t, n, 1, `trap '' TERM; sleep 1000 & echo $!; wait`)
	stop(t, pl.supervisors...)
	rt := pl.next(t)
	reaped, err := rt.Reap()
	if err != nil || len(reaped) > 0 {
		t.Errorf("the control plane is alive, and yet reaped %+v, %v", reaped, err)
	}
	pl.kill(t)
	reaped, err = rt.Reap()
	if err != nil || len(reaped) != n {
		t.Fatalf("reaped %+v, %v, want %d", reaped, err, n)
	}
	for _, r := range reaped {
		// The kernel may have been faster with the process itself.
		if r.Outcome != Killed || len(r.Killed) < 2 || !slices.IsSorted(r.Killed) {
			t.Errorf("got %+v, want it killed", r)
		}
	}
	gone(t, append(pl.processes, pl.supervisors...)...)
	if reaped, err = rt.Reap(); err != nil || len(reaped) > 0 {
		t.Errorf("the second time reaped %+v, %v", reaped, err)
	}
}

// Orphans that end are disposed of while the process lives.
func TestNoZombies(t *testing.T) {
	rt := newRuntime(t)
	p, tr := start(t, rt, `for i in 1 2 3; do sh -c 'sh -c "echo \$\$" &'; done; exec sleep 1000`)
	pids := tr.pids(t, 3)
	eventually(t, "the orphans are gone", func() bool {
		return !slices.ContainsFunc(pids, func(pid int) bool {
			_, _, err := processStart(pid)
			return err == nil
		})
	})
	if !running(p.PID()) {
		t.Error("the process itself is gone")
	}
}

// A process inherits three files, no ignored or blocked signals, and nothing of
// its environment shows in what its supervisor was started with.
func TestInheritance(t *testing.T) {
	rt := newRuntime(t)
	var tr transcript
	secret := "SECRET=hunter2"
	p, err := rt.Start(t.Context(), Spec{
		Argv:   shell(`ls /proc/$$/fd; readlink /proc/$$/fd/0; grep -E '^Sig(Blk|Ign)' /proc/self/status >&2; trap 'exit' TERM; while :; do sleep 0.02; done`),
		Env:    []string{path(), secret},
		Output: tr.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the output is there", func() bool {
		return slices.Contains(tr.texts(Stdout), "/dev/null") && len(tr.texts(Stderr)) == 2 && caught(t, p.PID(), syscall.SIGTERM)
	})
	if got := tr.texts(Stdout); !slices.Equal(got, []string{"0", "1", "2", "/dev/null"}) &&
		!slices.Equal(got, []string{"0", "1", "10", "2", "/dev/null"}) { // some shells keep one for themselves
		t.Errorf("files %q", got)
	}
	for _, text := range tr.texts(Stderr) {
		_, mask, _ := strings.Cut(text, "\t")
		var bits uint64
		if _, err := fmt.Sscanf(mask, "%x", &bits); err != nil {
			t.Error(err)
		}
		// A test that is run with nohup ignores SIGHUP; and what glibc spawns,
		// as make does, ignores the two signals that glibc keeps for itself.
		if bits &^= 1<<(syscall.SIGHUP-1) | 1<<(32-1) | 1<<(33-1); bits != 0 {
			t.Errorf("signals: %s", text)
		}
	}
	for _, file := range []string{"cmdline", "environ"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.supervisor.identity.PID, file))
		if err != nil || strings.Contains(string(data), secret) {
			t.Errorf("%s of the supervisor: %q, %v", file, data, err)
		}
	}
	if err := p.Terminate(); err != nil {
		t.Error(err)
	}
	wait(t, p)
}

// caught reports whether the process has a handler for the signal.
func caught(t *testing.T, pid int, s syscall.Signal) bool {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\nSigCgt:\t")
	var bits uint64
	if _, err := fmt.Sscanf(rest, "%x", &bits); err != nil {
		t.Fatal(err)
	}
	return bits&(1<<(s-1)) != 0
}

func TestRemains(t *testing.T) {
	all := []process{
		{pid: 10, ppid: 1, sid: 10},                // the supervisor
		{pid: 11, ppid: 10, sid: 10, zombie: true}, // the process
		{pid: 12, ppid: 11, sid: 12},               // left the session
		{pid: 13, ppid: 12, sid: 12},
		{pid: 14, ppid: 1, sid: 10}, // its parent is gone
		{pid: 15, ppid: 1, sid: 15},
		{pid: 16, ppid: 15, sid: 15},
		{pid: 20, ppid: 21, sid: 20}, // a table can be read at two moments
		{pid: 21, ppid: 20, sid: 20},
		{pid: 30, ppid: 1, sid: 11}, // where the process leads a session
	}
	var got []int
	for _, p := range remains(all, 10, 11) {
		got = append(got, p.pid)
	}
	if want := []int{12, 13, 14, 30}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEscaped(t *testing.T) {
	mark, err := newMark()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(markVariable, mark)
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Error(err)
		}
	}()
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	if left := escaped(all, os.Getpid()); len(left) != 1 || left[0].pid != cmd.Process.Pid {
		t.Errorf("got %+v, want process %d", left, cmd.Process.Pid)
	}
	t.Setenv(markVariable, "another")
	if left := escaped(all, os.Getpid()); len(left) != 0 {
		t.Errorf("got %+v, want none", left)
	}
}

func TestParseStat(t *testing.T) {
	stat := func(flags, threads, environment string) string {
		return " 1 2 3 0 -1 " + flags + " 1 2 3 4 5 6 7 8 20 0 " + threads +
			" 0 987654 1000 10 18446744073709551615 1 1 0 0 0 0 0 0 1 0 0 0 17 0 0 0 0 0 0 1 2 3 4 5 6 " + environment + " 0"
	}
	rest := stat("4194560", "1", "7")
	tests := []struct {
		text      string
		want      process
		executing bool
	}{
		{"42 (sh) S" + rest, process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654}, false},
		{"42 (a) b) R (c)) Z" + rest, process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654, zombie: true}, false},
		{"42 (sh) X" + rest, process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654, zombie: true}, false},
		{"42 (sh) Z" + stat("4194560", "2", "7"), process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654}, false},
		{"42 (sh) R" + stat("4194560", "1", "0"), process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654}, true},
		{"42 (kworker) I" + stat("2129984", "1", "0"), process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654}, false},
		{"42 (\n) R" + rest + "\n", process{pid: 42, ppid: 1, pgid: 2, sid: 3, start: 987654}, false},
	}
	for _, test := range tests {
		if got, err := parseStat([]byte(test.text)); err != nil || got != (processStatus{test.want, test.executing}) {
			t.Errorf("%q: got %+v, %v, want %+v", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"", "42", "42 (sh", "42 (sh)", "42 (sh) S 1 2 3", "42 (sh) S" + stat("x", "1", "7"), "x (sh) S" + rest, ") 42 (", "42 (sh) S x" + rest[2:]} {
		if got, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}
