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
)

// The control plane runs in a process of its own: on Linux the peak memory of
// a child starts at what its parent holds, and would hide its own.

// serve is that process: it says its address and key, fills the list when told
// to, and ends with its standard input.
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
		var n int
		if _, err = fmt.Sscan(orders.Text(), &n); err == nil {
			err = cp.ImportEndedRunners(ctx, n)
			fmt.Println("imported", n)
		}
	}
	return errors.Join(err, cp.Close(ctx))
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

func (s *server) fill(n int) error {
	if _, err := fmt.Fprintln(s.orders, n); err != nil {
		return err
	}
	if !s.says.Scan() || !strings.HasPrefix(s.says.Text(), "imported") {
		return errors.New("the control plane imported nothing")
	}
	return nil
}

func (s *server) stop() error {
	err := s.orders.Close()
	return errors.Join(err, s.cmd.Wait())
}
