package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tabName  = "Tab with fresh values / fal-runners --version"
	hungName = "Tab with old values, the service hung (peer: --version)"
	// maxTab bounds Tab when what it offers is kept, as a multiple of --version.
	maxTab = 2
	// maxHung bounds it when the service does not answer, in milliseconds.
	maxHung = 350.
	// stale is when values that are kept are old enough to be asked for anew.
	stale = 11 * time.Second
)

// tabs measures what a shell waits for when Tab completes the id of a runner.
func (b *bench) tabs(cp *server) error {
	if !b.wanted(tabName) && !b.wanted(hungName) {
		return nil
	}
	front, err := newFront(cp.addr)
	if err != nil {
		return err
	}
	defer front.close()
	addr := front.listener.Addr().String()
	env := b.environment("FAL_KEY="+cp.keyID+":"+cp.secret, "FAL_GRPC_HOST="+addr, "FAL_REST_HOST="+addr)
	tab := command{argv: []string{b.program("fal-runners"), "__complete", "--", "stop", ""}}
	start := command{argv: []string{b.program("fal-runners"), "--version"}}
	if _, err := (command{argv: []string{b.program("fal-runners"), "list"}}).run(env); err != nil {
		return err
	}
	offers := func() error {
		cmd := exec.Command(tab.argv[0], tab.argv[1:]...)
		cmd.Env = env
		if out, err := cmd.Output(); err != nil || strings.Count(string(out), "\n") < 2 {
			return fmt.Errorf("%q offers %q: %w", tab.argv, out, err)
		}
		return nil
	}
	if err := offers(); err != nil {
		return err
	}
	if _, _, err := b.compare(tabName, maxTab, tab, start, env, b.runs); err != nil || !b.wanted(hungName) {
		return err
	}
	front.hung.Store(true)
	time.Sleep(stale)
	fmt.Fprintln(os.Stderr, hungName, "…")
	as, bs, err := pair(tab, start, env, b.runs)
	if err != nil {
		return err
	}
	wait := medianWall(as)
	b.rows = append(b.rows, row{name: hungName, ours: milliseconds(wait), peer: milliseconds(medianWall(bs)),
		ratio: float64(wait) / float64(time.Millisecond), bound: maxHung, unit: " ms"})
	return offers()
}

// front is the service at another address, where it can be made to hang: it
// takes connections then, and answers nothing.
type front struct {
	listener net.Listener
	hung     atomic.Bool

	end  context.CancelFunc
	open sync.WaitGroup
}

func newFront(to string) (*front, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	f := &front{listener: listener, end: end}
	f.open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.open.Go(func() { f.serve(ctx, conn, to) })
		}
	})
	return f, nil
}

func (f *front) serve(ctx context.Context, conn net.Conn, to string) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if f.hung.Load() {
		_, _ = io.Copy(io.Discard, conn) // until it is closed
		return
	}
	service, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer service.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(conn, service) // its end is that of the call
		conn.Close()
	}()
	_, _ = io.Copy(service, conn) // as above
	service.Close()
	<-back
}

func (f *front) close() {
	f.listener.Close()
	f.end()
	f.open.Wait()
}
