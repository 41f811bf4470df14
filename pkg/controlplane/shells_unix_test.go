//go:build unix

package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// talk is a session as its client sees it.
type talk struct {
	t      *testing.T
	stream pb.IsolateController_ShellRunnerClient
	cancel context.CancelFunc
	done   chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
	// set when done is closed
	code   *int32
	closed bool
	err    error
}

// open sends a first message and reads what comes back.
func open(t *testing.T, c client, first *pb.ShellRunnerInput) *talk {
	t.Helper()
	ctx, cancel := context.WithCancel(c.ctx)
	t.Cleanup(cancel)
	stream, err := c.ShellRunner(ctx)
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, stream: stream, cancel: cancel, done: make(chan struct{})}
	k.send(first)
	go k.read()
	return k
}

func (k *talk) read() {
	defer close(k.done)
	for {
		output, err := k.stream.Recv()
		if err != nil {
			if err != io.EOF {
				k.err = err
			}
			return
		}
		k.mu.Lock()
		k.out.Write(output.GetData())
		k.mu.Unlock()
		if output.ExitCode != nil {
			k.code = output.ExitCode
		}
		k.closed = k.closed || output.GetClose()
	}
}

func (k *talk) send(input *pb.ShellRunnerInput) {
	k.t.Helper()
	if err := k.stream.Send(input); err != nil && err != io.EOF {
		k.t.Fatal(err)
	}
}

func (k *talk) say(text string) {
	k.t.Helper()
	k.send(&pb.ShellRunnerInput{Data: []byte(text)})
}

func (k *talk) endInput() {
	k.t.Helper()
	if err := k.stream.CloseSend(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *talk) text() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.out.String()
}

// hear waits for a text in the output.
func (k *talk) hear(text string) {
	k.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(k.text(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.t.Fatalf("%q was never said in\n%s", text, k.text())
		}
	}
}

// pids returns the numbers on the first line of the output.
func (k *talk) pids() []int {
	k.t.Helper()
	k.hear("\n")
	line, _, _ := strings.Cut(k.text(), "\n")
	var all []int
	for word := range strings.FieldsSeq(line) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			k.t.Fatalf("%q are no pids", line)
		}
		all = append(all, pid)
	}
	return all
}

// end waits for the end, which is to come with an exit code.
func (k *talk) end(want int32) string {
	k.t.Helper()
	k.finish()
	if k.err != nil || k.code == nil || *k.code != want {
		k.t.Errorf("exit code %s, %v; want %d after\n%.2000s", show(k.code), k.err, want, k.text())
	}
	return k.text()
}

func show(code *int32) string {
	if code == nil {
		return "none"
	}
	return strconv.Itoa(int(*code))
}

func (k *talk) finish() {
	k.t.Helper()
	select {
	case <-k.done:
	case <-time.After(patience):
		k.t.Fatalf("the session does not end after\n%.2000s", k.text())
	}
}

// refused waits for the end, which is to be an error.
func (k *talk) refused(code codes.Code, says string) {
	k.t.Helper()
	k.finish()
	if status.Code(k.err) != code || !strings.Contains(status.Convert(k.err).Message(), says) {
		k.t.Errorf("%v, want %s naming %q", k.err, code, says)
	}
}

func awaitGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		await(t, fmt.Sprintf("the end of process %d", pid), func() bool { return !alive(pid) })
	}
}

// awaitStill waits until a number that has begun to grow does not any more.
func awaitStill(t *testing.T, what string, number func() int64) int64 {
	t.Helper()
	last, same := int64(0), 0
	await(t, what+" to stop", func() bool {
		time.Sleep(20 * time.Millisecond)
		now := number()
		if now == last && now > 0 {
			same++
		} else {
			last, same = now, 0
		}
		return same >= 25
	})
	return last
}

func size(rows, columns int32) *pb.TerminalSize {
	return &pb.TerminalSize{Height: rows, Width: columns}
}

func script(text string) []string { return []string{"sh", "-c", text} }

// withRunner returns a runner that is up, and a client.
func withRunner(t *testing.T) (*Server, *Runner, client) {
	t.Helper()
	t.Setenv("SHELL", "/bin/sh")
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	spec.Env = append(spec.Env, "OF_THE_APP=yes", "PS1=$ ")
	register(t, s, spec)
	return s, awaitUp(t, s, "web", 1)[0], dial(t, s, s.Credentials())
}

func TestShellOnATerminal(t *testing.T) {
	_, r, c := withRunner(t)
	k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, TtySize: size(40, 100)})
	k.say("echo [$(stty size)] [$FAL_RUNNER_ID] [$PORT] [$OF_THE_APP] [$TERM]\n")
	k.hear(fmt.Sprintf("[40 100] [%s] [%d] [yes] [", r.ID, r.Port))
	k.say("test -t 0 && test -t 1 && test -t 2 && echo all of''  three\n")
	k.hear("all of three")

	k.say("trap 'echo [$(stty size)]' WINCH; echo re''ady\n")
	k.hear("ready")
	k.send(&pb.ShellRunnerInput{TtySize: size(51, 133)})
	k.say("\n") // traps are looked at between two lines
	k.hear("[51 133]")

	// The sleep is told of a Ctrl-C, and so is not the shell.
	k.say("PS1=; sh -c 'echo bu''sy; exec sleep 1000'\n")
	k.hear("busy")
	k.say("\x03")
	k.hear("^C")
	k.say("echo code $?\n")
	k.hear("code 130")
	k.say("exit 7\n")
	k.end(7)
}

func TestTheOrderOfTheOfficialClient(t *testing.T) {
	_, r, c := withRunner(t)
	t.Run("size second", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: []string{"stty", "size"}})
		k.send(&pb.ShellRunnerInput{TtySize: size(33, 77)})
		if got := k.end(0); got != "33 77\r\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("no size, no command", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID})
		k.hear("$ ")
		k.say("stty size\n")
		k.hear("24 80")
		k.endInput()
		k.end(0)
	})
	t.Run("nothing more", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("test -t 1 || echo a pipe; exec cat")})
		k.hear("a pipe")
		// A size that comes too late is no reason to fail.
		k.send(&pb.ShellRunnerInput{TtySize: size(33, 77)})
		k.say("and more")
		k.hear("and more")
		k.endInput()
		k.end(0)
	})
	t.Run("data in both", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: []string{"cat"}, Data: []byte("one ")})
		k.say("two")
		k.endInput()
		if got := k.end(0); got != "one two" {
			t.Errorf("%q", got)
		}
	})
}

func TestExecCodes(t *testing.T) {
	_, r, c := withRunner(t)
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		command []string
		code    int32
		says    string
	}{
		"zero":           {[]string{"true"}, 0, ""},
		"seven":          {script("exit 7"), 7, ""},
		"255":            {script("exit 255"), 255, ""},
		"terminated":     {script("kill -TERM $$"), 143, ""},
		"killed":         {script("kill -KILL $$"), 137, ""},
		"both outputs":   {script("echo out; echo err >&2"), 0, "out\nerr\n"},
		"unknown":        {[]string{"no-such-command-here"}, 127, "no-such-command-here: command not found\n"},
		"unknown path":   {[]string{"./nothing"}, 127, "./nothing: no such file or directory\n"},
		"not executable": {[]string{plain}, 126, plain + ": permission denied\n"},
		"a folder":       {[]string{dir}, 126, dir + ": is a directory\n"},
	} {
		t.Run(name, func(t *testing.T) {
			k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: test.command})
			k.endInput()
			if got := k.end(test.code); got != test.says {
				t.Errorf("%q, want %q", got, test.says)
			}
		})
	}
	t.Run("unknown on a terminal", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: []string{"nope"}, TtySize: size(24, 80)})
		if got := k.end(127); got != "nope: command not found\r\n" {
			t.Errorf("%q", got)
		}
	})
}

func TestExecRunsWhereTheRunnerDoes(t *testing.T) {
	s, r, c := withRunner(t)
	k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("pwd -P; echo $PORT $FAL_APP_NAME $OF_THE_APP; env")})
	k.endInput()
	text := k.end(0)
	dir, err := filepath.EvalSymlinks(s.path("runners"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%s\n%d web yes\n", filepath.Join(dir, r.ID), r.Port); !strings.HasPrefix(text, want) {
		t.Errorf("%q, want it to begin with %q", text, want)
	}
	if strings.Contains(text, s.Credentials().Secret) {
		t.Error("the environment tells the key")
	}
}

// pump sends random bytes to a session, and hashes them.
func (k *talk) pump(total int) string {
	sum := sha256.New()
	source := rand.NewChaCha8([32]byte{1})
	chunk := make([]byte, 60_000)
	for left := total; left > 0; {
		n := min(left, len(chunk))
		source.Read(chunk[:n])
		sum.Write(chunk[:n])
		k.send(&pb.ShellRunnerInput{Data: chunk[:n]})
		left -= n
	}
	k.endInput()
	return digest(sum)
}

func digest(h hash.Hash) string { return fmt.Sprintf("%x", h.Sum(nil)) }

func TestExecMovesBinaryDataUnharmed(t *testing.T) {
	_, r, c := withRunner(t)
	const total = 20<<20 + 17
	k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: []string{"cat"}})
	want := k.pump(total)
	text := k.end(0)
	if got := sha256.Sum256([]byte(text)); len(text) != total || fmt.Sprintf("%x", got) != want {
		t.Errorf("%d bytes with %x came back, want %d with %s", len(text), got, total, want)
	}
}

func TestEndOfInputOnATerminal(t *testing.T) {
	_, r, c := withRunner(t)
	for _, input := range []string{"", "abc\n", "abc", "a\nb"} {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: []string{"wc", "-c"}, TtySize: size(24, 80)})
		if input != "" {
			k.say(input)
		}
		k.endInput()
		text := k.end(0)
		// What was typed is echoed before.
		if !strings.HasSuffix(text, strconv.Itoa(len(input))+"\r\n") {
			t.Errorf("%q counts as %q", input, text)
		}
	}
}

// Whatever reads from the terminal when there is no more input finds its end.
func TestEndOfInputOnATerminalLasts(t *testing.T) {
	_, r, c := withRunner(t)
	k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("cat; cat; cat; echo all three"), TtySize: size(24, 80)})
	k.endInput()
	if text := k.end(0); !strings.HasSuffix(text, "all three\r\n") {
		t.Errorf("%q", text)
	}
}

// A command that does not read all of its input ends when it ends.
func TestExecEndsWhileInputGoesOn(t *testing.T) {
	_, r, c := withRunner(t)
	for _, command := range [][]string{{"true"}, {"head", "-c", "5"}, script("exec 0<&-; echo deaf; exit 3")} {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: command})
		chunk := make([]byte, 100_000)
		for deadline := time.Now().Add(patience); ; {
			if err := k.stream.Send(&pb.ShellRunnerInput{Data: chunk}); err != nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%q never ends", command)
			}
		}
		k.finish()
		if k.err != nil || k.code == nil {
			t.Errorf("%q: exit code %s, %v", command, show(k.code), k.err)
		}
	}
}

// Nothing that is written before the end is lost, however close to it.
func TestOutputThatComesWithTheEnd(t *testing.T) {
	_, r, c := withRunner(t)
	for i := range 25 {
		for _, terminal := range []*pb.TerminalSize{nil, size(24, 80)} {
			k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, TtySize: terminal,
				Command: script("head -c 300000 /dev/zero; printf 'the end'; exit 3")})
			k.endInput()
			if text := k.end(3); len(text) != 300_007 && terminal == nil || !strings.HasSuffix(text, "the end") || len(text) < 300_007 {
				t.Fatalf("session %d: %d bytes, ending with %q", i, len(text), text[max(0, len(text)-10):])
			}
		}
	}
}

func TestBrokenStream(t *testing.T) {
	s, r, c := withRunner(t)
	t.Run("hangs up", func(t *testing.T) {
		mark := filepath.Join(t.TempDir(), "mark")
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("trap 'echo gone > " + mark + "; exit' HUP; sleep 1000 & echo $$ $!; wait")})
		pids := k.pids()
		k.cancel()
		awaitGone(t, pids...)
		if text, err := os.ReadFile(mark); string(text) != "gone\n" {
			t.Errorf("it was not told: %q, %v", text, err)
		}
	})
	t.Run("hangs up a terminal", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, TtySize: size(24, 80)})
		k.say("set -m; stty -echo; PS1=; clear\n")
		k.say("printf '\\n%s' begin; sleep 1000 & echo \"$$ $! \"; echo fin''al; sleep 2000\n")
		k.hear("final")
		_, text, _ := strings.Cut(k.text(), "\nbegin")
		var pids []int
		for _, word := range strings.Fields(text)[:2] {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("%q", text)
			}
			pids = append(pids, pid)
		}
		k.cancel()
		awaitGone(t, pids...)
	})
	t.Run("kills what does not listen", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("trap '' HUP TERM INT; sleep 1000 & echo $$ $!; wait")})
		pids := k.pids()
		k.cancel()
		awaitGone(t, pids...)
	})
	t.Run("while nothing reads its input", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("echo $$; exec sleep 1000")})
		pids := k.pids()
		var sent atomic.Int64
		var sending sync.WaitGroup
		sending.Go(func() {
			for k.stream.Send(&pb.ShellRunnerInput{Data: make([]byte, 64<<10)}) == nil {
				if sent.Add(64<<10) > 1<<30 {
					return
				}
			}
		})
		if n := awaitStill(t, "sending", sent.Load); n > 64<<20 {
			t.Errorf("%d bytes were taken for nobody", n)
		}
		k.cancel()
		awaitGone(t, pids...)
		sending.Wait()
	})
	t.Run("close", func(t *testing.T) {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("sleep 1000 & echo $$ $!; wait")})
		pids := k.pids()
		k.send(&pb.ShellRunnerInput{Close: true})
		k.finish()
		if k.err != nil || !k.closed || k.code != nil {
			t.Errorf("closed %t, exit code %s, %v", k.closed, show(k.code), k.err)
		}
		awaitGone(t, pids...)
	})
	if got := runner(t, s, r.ID); got.State != state.Idle {
		t.Errorf("the runner is %s", got.State)
	}
}

func TestSessionsEndWithTheirRunner(t *testing.T) {
	s, r, c := withRunner(t)
	stubborn := "trap '' HUP TERM INT; sleep 1000 & echo $$ $!; wait"
	piped := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script(stubborn)})
	shown := open(t, c, &pb.ShellRunnerInput{RunnerId: r.ID, Command: script(stubborn), TtySize: size(24, 80)})
	pids := append(piped.pids(), shown.pids()...)
	if _, err := c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: r.ID}); err != nil {
		t.Fatal(err)
	}
	piped.refused(codes.FailedPrecondition, r.ID+" has ended")
	shown.refused(codes.FailedPrecondition, r.ID+" has ended")
	awaitState(t, s, r.ID, state.Terminated)
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d outlives the runner", pid)
		}
	}
}

// TestRevokedKeyEndsWhatIsOpen holds for shells and for logs that are followed,
// and leaves those of other keys alone.
func TestRevokedKeyEndsWhatIsOpen(t *testing.T) {
	s, r, c := withRunner(t)
	created, err := c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{Scope: pb.CreateUserKeyRequest_ADMIN})
	if err != nil {
		t.Fatal(err)
	}
	leaked := Credentials{KeyID: created.GetKeyId(), Secret: created.GetKeySecret()}
	shell := &pb.ShellRunnerInput{RunnerId: r.ID, Command: script("sleep 1000 & echo $$ $!; cat; wait")}
	theirs, ours := open(t, dial(t, s, leaked), shell), open(t, c, shell)
	pids := theirs.pids()
	ours.pids()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/logs/stream?job_id="+r.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+leaked.Key())
	followed, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer followed.Body.Close()
	if followed.StatusCode != http.StatusOK {
		t.Fatal(followed.Status)
	}
	if _, err := c.RevokeUserKey(c.ctx, &pb.RevokeUserKeyRequest{KeyId: leaked.KeyID}); err != nil {
		t.Fatal(err)
	}
	theirs.refused(codes.Unauthenticated, "revoked")
	awaitGone(t, pids...)
	text, err := io.ReadAll(followed.Body)
	if err != nil || !strings.Contains(string(text), "event: error\ndata: the API key was revoked\n") {
		t.Errorf("the log ends with %q, %v", text, err)
	}
	ours.say("still here\n")
	ours.hear("still here")
}

func TestShellRefused(t *testing.T) {
	s, r, c := withRunner(t)
	never := app(t, "never", "unready")
	never.MinConcurrency = 1
	register(t, s, never)
	var setup string
	await(t, "a runner in set-up", func() bool {
		for _, r := range live(t, s, "never") {
			if r.State == state.Setup {
				setup = r.ID
			}
		}
		return setup != ""
	})
	stopRunner(t, c, r.ID, false)
	awaitState(t, s, r.ID, state.Terminated)
	_, key, err := s.CreateAccount(t.Context(), "other", "Other")
	if err != nil {
		t.Fatal(err)
	}
	up := awaitUp(t, s, "web", 1)[0]
	other := dial(t, s, key)
	for name, test := range map[string]struct {
		client client
		first  *pb.ShellRunnerInput
		code   codes.Code
		says   string
	}{
		"no id":         {c, &pb.ShellRunnerInput{}, codes.InvalidArgument, "runner_id is empty"},
		"unknown":       {c, &pb.ShellRunnerInput{RunnerId: "no-such"}, codes.NotFound, "runner no-such not found"},
		"ended":         {c, &pb.ShellRunnerInput{RunnerId: r.ID}, codes.FailedPrecondition, r.ID + " has already ended"},
		"setup":         {c, &pb.ShellRunnerInput{RunnerId: setup}, codes.FailedPrecondition, "is not running yet: it is SETUP"},
		"other account": {other, &pb.ShellRunnerInput{RunnerId: up.ID}, codes.PermissionDenied, "another account"},
		"size":          {c, &pb.ShellRunnerInput{RunnerId: up.ID, TtySize: size(-1, 80)}, codes.InvalidArgument, "tty_size"},
		"argument":      {c, &pb.ShellRunnerInput{RunnerId: up.ID, Command: []string{"a", "b\x00"}}, codes.InvalidArgument, "NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			k := open(t, test.client, test.first)
			k.endInput()
			k.refused(test.code, test.says)
		})
	}
	t.Run("waiting", func(t *testing.T) {
		failing := app(t, "failing", "fail")
		failing.MinConcurrency = 1
		register(t, s, failing)
		await(t, "a runner that failed", func() bool {
			runners := live(t, s, "failing")
			if len(runners) == 0 {
				return false
			}
			// Between two moments of waiting it is tried again.
			k := open(t, c, &pb.ShellRunnerInput{RunnerId: runners[0].ID})
			k.refused(codes.FailedPrecondition, runners[0].ID)
			return strings.Contains(status.Convert(k.err).Message(), "failed to start and will be tried again")
		})
	})
	t.Run("no message", func(t *testing.T) {
		stream, err := c.ShellRunner(c.ctx)
		if err == nil {
			err = stream.CloseSend()
		}
		if err == nil {
			_, err = stream.Recv()
		}
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v", err)
		}
	})
}

// A client that does not read stops the process and costs no memory; once it
// reads it gets everything.
func TestSlowReader(t *testing.T) {
	_, r, c := withRunner(t)
	const total, piece = 100 << 20, 64 << 10
	progress := filepath.Join(t.TempDir(), "progress")
	stream, err := c.ShellRunner(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("i=0; while [ $i -lt %d ]; do head -c %d /dev/zero; i=$((i+1)); echo $i >> %s; done", total/piece, piece, progress)
	if err := stream.Send(&pb.ShellRunnerInput{RunnerId: r.ID, Command: script(command)}); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	written := awaitStill(t, "the process", func() int64 {
		text, err := os.ReadFile(progress)
		if err != nil {
			return 0
		}
		return int64(bytes.Count(text, []byte("\n")) * piece)
	})
	var memory goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&memory)
	if written >= total/2 || memory.HeapAlloc > 48<<20 {
		t.Errorf("%d bytes were written for nobody, with %d in memory", written, memory.HeapAlloc)
	}
	arrived := 0
	for {
		output, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		arrived += len(output.GetData())
		if output.ExitCode != nil {
			break
		}
	}
	if arrived != total {
		t.Errorf("%d bytes arrived, want %d", arrived, total)
	}
}

func TestNoShellOutlivesTheControlPlane(t *testing.T) {
	dir := t.TempDir()
	command := exec.Command(executable(t), "__controlplane", dir)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Process.Kill()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := ReadCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := dialAddress(t, strings.TrimSpace(address), credentials)
	var id string
	await(t, "a runner of the sample", func() bool {
		for _, r := range c.list(t) {
			if r.GetState() == pb.RunnerInfo_IDLE {
				id = r.GetRunnerId()
			}
		}
		return id != ""
	})
	var pids []int
	for _, terminal := range []*pb.TerminalSize{nil, size(24, 80)} {
		k := open(t, c, &pb.ShellRunnerInput{RunnerId: id, TtySize: terminal,
			Command: script("trap '' HUP TERM INT; sleep 1000 & echo $$ $!; wait")})
		pids = append(pids, k.pids()...)
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("process %d is not there yet", pid)
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := command.Wait(); !errors.As(err, &exit) {
		t.Error(err)
	}
	awaitGone(t, pids...)
}
