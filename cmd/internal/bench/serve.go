package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"golang.org/x/sync/errgroup"
)

// The control plane runs in a process of its own: on Linux the peak memory of
// a child starts at what its parent holds, and would hide its own.

// serve is that process: it says its address and key, fills its lists when told
// to ("runners 1000", "apps 10"), and ends with its standard input.
func serve(ctx context.Context, work string) error {
	cp, err := controlplane.Start(ctx, controlplane.Options{
		DataDir:    filepath.Join(work, "data"),
		Supervisor: []string{filepath.Join(work, "fal-local"), "__supervise"},
		SampleArgv: []string{filepath.Join(work, "fal-local"), "__sample"},
	})
	if err != nil {
		return err
	}
	_, err = cp.StartSample(ctx)
	key := cp.Credentials()
	fmt.Println(cp.Addr(), key.KeyID, key.Secret)
	for orders := bufio.NewScanner(os.Stdin); err == nil && orders.Scan(); {
		err = fill(ctx, cp, orders.Text())
		fmt.Println("filled", orders.Text())
	}
	return errors.Join(err, cp.Close(ctx))
}

func fill(ctx context.Context, cp *controlplane.Server, order string) error {
	var what string
	var n int
	if _, err := fmt.Sscan(order, &what, &n); err != nil {
		return err
	}
	if what == "runners" {
		return cp.ImportEndedRunners(ctx, n)
	}
	var group errgroup.Group
	group.SetLimit(16)
	for i := range n {
		group.Go(func() error {
			_, err := cp.RegisterApp(ctx, controlplane.AppSpec{Name: fmt.Sprintf("app-%04d", i), Argv: []string{"true"}})
			return err
		})
	}
	return group.Wait()
}

// server is a running serve.
type server struct {
	addr, keyID, secret string

	cmd    *exec.Cmd
	orders io.WriteCloser
	says   *bufio.Scanner
}

func startServer(work string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(self, "-serve", work)}
	s.cmd.Stderr = os.Stderr
	if s.orders, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.says = bufio.NewScanner(out)
	if !s.says.Scan() {
		return nil, errors.Join(errors.New("the control plane did not start"), s.stop())
	}
	if _, err := fmt.Sscan(s.says.Text(), &s.addr, &s.keyID, &s.secret); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) fill(what string, n int) error {
	if _, err := fmt.Fprintln(s.orders, what, n); err != nil {
		return err
	}
	if !s.says.Scan() || !strings.HasPrefix(s.says.Text(), "filled") {
		return errors.New("the control plane took in nothing")
	}
	return nil
}

func (s *server) stop() error {
	err := s.orders.Close()
	return errors.Join(err, s.cmd.Wait())
}
