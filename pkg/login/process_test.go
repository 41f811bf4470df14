package login_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/login"
)

const (
	childIssuer = "LOGIN_TEST_ISSUER"
	childDir    = "LOGIN_TEST_DIR"
)

func TestMain(m *testing.M) {
	if base := os.Getenv(childIssuer); base != "" {
		os.Exit(child(base, os.Getenv(childDir)))
	}
	goleak.VerifyTestMain(m)
}

// child is a process that uses the login as soon as its standard input ends.
func child(base, dir string) int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	c, err := login.New(login.Options{Endpoints: login.At(base), Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	token, err := c.Token(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(token)
	return 0
}

type process struct {
	cmd         *exec.Cmd
	out, errOut bytes.Buffer
}

// start starts n processes that wait; release lets them go all at once.
func start(t *testing.T, n int, base, dir string) (all []*process, release func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { w.Close() })
	t.Cleanup(release)
	for range n {
		p := &process{cmd: exec.Command(os.Args[0])}
		// The race detector has a process sleep for a second before it ends.
		p.cmd.Env = append(os.Environ(), childIssuer+"="+base, childDir+"="+dir, "GORACE=atexit_sleep_ms=0")
		p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = r, &p.out, &p.errOut
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.cmd.Process.Kill() })
		all = append(all, p)
	}
	r.Close()
	return all, release
}

func (p *process) wait() error {
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(p.errOut.String()))
	}
	return nil
}

func TestManyProcessesRefreshOnce(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	all, release := start(t, 50, s.base, dir)
	release()
	tokens := map[string]int{}
	for _, p := range all {
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		tokens[p.out.String()]++
	}
	if rotations, asked := s.counts(); rotations != 1 || asked != 1 {
		t.Errorf("%d refreshes in %d requests", rotations, asked)
	}
	content := read(t, dir)
	if _, access, _ := strings.Cut(content, "\n"); tokens[access] != len(all) || !s.pairs[content] {
		t.Errorf("%d different tokens were used; the file: %q", len(tokens), content)
	}
}

// Each round kills one of several processes at a random moment. Access tokens
// have ended when they come, so that each process refreshes.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	s, dir := newIssuer(t), t.TempDir()
	s.set(func() { s.life = -time.Hour })
	s.login(t, dir, -time.Hour)

	watched, stop := make(chan error, 1), make(chan struct{})
	go func() { watched <- s.watch(dir, stop) }()
	killed := 0
	for round := range rounds {
		all, release := start(t, 3, s.base, dir)
		victim := all[rand.N(len(all))]
		release()
		time.Sleep(rand.N(120 * time.Millisecond))
		_ = victim.cmd.Process.Kill()
		for _, p := range all {
			err := p.wait()
			if p == victim {
				if err != nil {
					killed++
				}
			} else if err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if !s.alive(t, dir) {
			t.Fatalf("round %d: the login is lost", round)
		}
	}
	close(stop)
	if err := <-watched; err != nil {
		t.Error(err)
	}
	rotations, asked := s.counts()
	t.Logf("%d of %d victims died at work; %d refreshes in %d requests", killed, rounds, rotations, asked)
	if killed == 0 {
		t.Error("no process was killed in time")
	}
}

// watch reads the file all the time and reports anything but a whole pair.
func (s *issuer) watch(dir string, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Millisecond):
		}
		content, err := os.ReadFile(tokenPath(dir))
		if err != nil {
			return err
		}
		s.mu.Lock()
		whole := s.pairs[string(content)]
		s.mu.Unlock()
		if !whole {
			return fmt.Errorf("the file held %q", content)
		}
	}
}

// The worst moment: the issuer has answered, and the answer is not yet in the
// file. The previous token is honoured for 10 s.
func TestKilledBeforeTheAnswerIsWritten(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	before := s.login(t, dir, -time.Hour)
	all, release := start(t, 1, s.base, dir)
	var once sync.Once
	s.set(func() {
		s.after = func(*http.Request) { once.Do(func() { _ = all[0].cmd.Process.Kill() }) }
	})
	release()
	if all[0].wait() == nil {
		t.Fatal("it was not killed")
	}
	if read(t, dir) != before.file() {
		t.Fatal("the file changed")
	}
	c, _ := newClient(t, s.base, dir, nil)
	if _, err := c.Token(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if rotations, asked := s.counts(); rotations != 1 || asked != 2 || !s.alive(t, dir) {
		t.Errorf("%d refreshes in %d requests", rotations, asked)
	}
}

// The lock of a process that died is free; that of one that lives is not.
func TestLockOfAnotherProcess(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	before := s.login(t, dir, -time.Hour)
	arrived, answer := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	s.set(func() {
		s.fault = func(http.ResponseWriter, *http.Request) bool {
			if first.CompareAndSwap(false, true) {
				close(arrived)
				<-answer
			}
			return false
		}
	})
	defer close(answer)
	all, release := start(t, 1, s.base, dir)
	release()
	<-arrived
	c, _ := newClient(t, s.base, dir, nil)
	c.SetLockWait(100 * time.Millisecond)
	if _, err := c.Token(testContext(t)); !errors.Is(err, login.Locked) {
		t.Errorf("while it lives: %v", err)
	}
	if read(t, dir) != before.file() {
		t.Error("the file changed")
	}
	_ = all[0].cmd.Process.Kill()
	_ = all[0].wait()
	c.SetLockWait(time.Minute)
	if _, err := c.Token(testContext(t)); err != nil {
		t.Errorf("after it died: %v", err)
	}
}
