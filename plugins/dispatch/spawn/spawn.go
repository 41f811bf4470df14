// Package spawn runs a program as a child in place of this process, where a
// process cannot be replaced:
//
//	code, err := spawn.Run(path, args, os.Environ())
//
// The child has the streams of this process, gets the signals that this
// process gets meanwhile, and its exit code is returned, 128+N when signal N
// ended it. On Windows the child ends when this process does.
package spawn

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
)

// Run runs the program at an absolute path, with the arguments after argument
// zero and the whole environment as NAME=value, and returns its exit code when
// it has ended. The error says why it could not be started or watched. A batch
// file is not started with arguments that its command processor would read
// commands from.
func Run(path string, args, environ []string) (int, error) {
	if err := CheckBatch(path, args); err != nil {
		return 0, err
	}
	command := &exec.Cmd{
		Path:   path,
		Args:   append([]string{path}, args...),
		Env:    environ,
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
	}
	// Signals are caught before the child exists, so that none ends this
	// process alone.
	received := make(chan os.Signal, 16)
	signal.Notify(received, relayed()...)
	defer signal.Stop(received)
	if err := command.Start(); err != nil {
		return 0, err
	}
	release, err := tie(command.Process)
	if err != nil {
		// A child that could outlive this process is not left running.
		return 0, errors.Join(err, command.Process.Kill(), command.Wait())
	}
	defer release()
	ended := make(chan struct{})
	relaying := make(chan struct{})
	go func() {
		defer close(relaying)
		for {
			select {
			case <-ended:
				return
			case caught := <-received:
				relay(command.Process, caught)
			}
		}
	}()
	err = command.Wait()
	close(ended)
	<-relaying
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		return 0, err
	}
	return code(command.ProcessState), nil
}
