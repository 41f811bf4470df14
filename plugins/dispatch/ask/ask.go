// Package ask runs a program for what it prints, in the background of
// something that somebody waits for:
//
//	answer, err := ask.Run(ctx, path, []string{"__describe"}, environ)
//
// The program gets an empty stdin, its stderr goes nowhere, and on Unix it has
// no terminal to ask or write on. When the context ends, so does the program,
// on Unix with all that it has started, and Run returns. More than 1 MiB of
// output is an error.
package ask

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/dispatch/spawn"
)

const (
	maxAnswer = 1 << 20 // bytes
	// grace is how long a pipe is waited for that something kept open. A busy machine
	// may take a while to read what a program that has ended has written.
	grace = 200 * time.Millisecond
)

// Run runs the program at an absolute path, with the arguments after argument
// zero and the whole environment as NAME=value, and returns what it printed.
// The error says that it could not be run, ended with another code than 0 or
// printed too much, or is that of ctx.
func Run(ctx context.Context, path string, args, environ []string) (string, error) {
	if err := spawn.CheckBatch(path, args); err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := &bounded{exceeded: cancel}
	command := exec.CommandContext(ctx, path, args...)
	command.Env = environ
	command.Stdout = answer
	command.WaitDelay = grace
	alone(command)
	err := command.Run()
	switch {
	case answer.full:
		return "", errors.New("the answer is too long")
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", err
	}
	return answer.String(), nil
}

// bounded keeps an answer, up to a length. It is a builder of the one
// goroutine that reads the pipe, which has ended when the command has.
type bounded struct {
	strings.Builder
	exceeded func()
	full     bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxAnswer {
		b.full = true
		b.exceeded()
		return 0, errors.New("too long")
	}
	return b.Builder.Write(p)
}
