package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/detach"
)

// spawn starts a server in the background and returns when it answers. A
// server that did not come up is gone when spawn returns its error.
func spawn(ctx context.Context, dir dataDir, o serverOptions) (*record, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := dir.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	answers, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer answers.Close()

	cmd := exec.Command(exe, o.argv(dir)...)
	cmd.Dir = string(dir) // it must not keep another folder busy
	cmd.Stdout, cmd.Stderr = stdout, log
	err = detach.From(cmd)
	if err == nil {
		err = cmd.Start()
	}
	if err = errors.Join(err, stdout.Close()); err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	type outcome struct {
		record *record
		err    error
	}
	told := make(chan outcome, 1)
	go func() {
		r, err := readReport(answers)
		told <- outcome{r, err}
	}()
	select {
	case got := <-told:
		if got.err == nil {
			return got.record, cmd.Process.Release()
		}
		status := cmd.Wait()
		if errors.Is(got.err, errNoReport) {
			return nil, (&cli.Error{Message: fmt.Sprintf("the server ended while it started: %v", status), Err: status}).
				WithHint("fal local logs" + dir.flag())
		}
		return nil, got.err
	case <-ctx.Done():
		// Ours for certain: it has not been waited for.
		killed := cmd.Process.Kill()
		_ = cmd.Wait() // how it ended is known
		<-told
		if killed != nil && !errors.Is(killed, os.ErrProcessDone) {
			return nil, killed
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		return nil, (&cli.Error{Code: "timeout", Message: "the server was not up in time"}).
			WithHint("fal local logs" + dir.flag())
	}
}

// argv are the arguments by which this program becomes the server.
func (o serverOptions) argv(dir dataDir) []string {
	argv := []string{serveWord, "--data-dir=" + string(dir)}
	if o.port != 0 {
		argv = append(argv, "--port="+strconv.Itoa(o.port))
	}
	if o.tls {
		argv = append(argv, "--tls")
	}
	if o.sample {
		argv = append(argv, "--sample")
	}
	if o.login {
		argv = append(argv, "--login")
	}
	return argv
}
