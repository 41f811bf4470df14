package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

// tailLines is how many of a tool's last lines its failure quotes.
const tailLines = 8

// environment is that of the builder's processes, without the names given and
// with more entries.
func (b *Builder) environment(without []string, more ...string) []string {
	var env []string
	for _, entry := range b.environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "FAL_") {
			continue
		}
		drop := false
		for _, other := range without {
			drop = drop || name == other
		}
		if !drop {
			env = append(env, entry)
		}
	}
	return append(env, more...)
}

// variable returns a variable of the builder's environment.
func (b *Builder) variable(name string) string {
	value := ""
	for _, entry := range b.environ() {
		if n, v, _ := strings.Cut(entry, "="); n == name || isWindows && strings.EqualFold(n, name) {
			value = v
		}
	}
	return value
}

// isOn reports whether a variable has one of the values that pip takes for yes.
func (b *Builder) isOn(name string) bool {
	return slices.Contains([]string{"y", "yes", "t", "true", "on", "1"}, strings.ToLower(b.variable(name)))
}

// exitError says that a process ran and failed.
type exitError struct {
	status runtime.ExitStatus
	tail   []string
}

func (e *exitError) Error() string {
	text := fmt.Sprintf("exit code %d", e.status.Code)
	if e.status.Signal != "" {
		text = e.status.Signal
	}
	if len(e.tail) > 0 {
		text += ": " + strings.Join(e.tail, "\n")
	}
	return text
}

// reason is what the process wrote last of what went wrong, for which its output,
// that is in the log, need not be repeated; all that is known without that.
func (e *exitError) reason() string {
	for i, line := range slices.Backward(e.tail) {
		line = strings.TrimSpace(line)
		if len(line) > len("error: ") && strings.EqualFold(line[:len("error: ")], "error: ") {
			return strings.TrimSpace(line[len("error: "):]) + causes(e.tail[i+1:])
		}
		// That of uv goes on for several lines.
		if _, cause, ok := strings.Cut(line, "╰─▶ "); ok {
			for _, rest := range e.tail[i+1:] {
				cause += " " + strings.TrimSpace(rest)
			}
			return cause
		}
	}
	return e.Error()
}

// causes are what lines say of why there was an error, as uv writes it.
func causes(lines []string) string {
	var text strings.Builder
	for _, line := range lines {
		if cause, ok := strings.CutPrefix(strings.TrimSpace(line), "cause: "); ok {
			text.WriteString(": " + strings.TrimSpace(cause))
		}
	}
	return text.String()
}

// run runs a process to its end; receive gets its lines.
func (b *Builder) run(ctx context.Context, spec runtime.Spec, receive func(source runtime.Source, text string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var mu sync.Mutex
	var tail []string
	spec.Output = func(l runtime.Line) {
		mu.Lock()
		defer mu.Unlock()
		if receive != nil {
			receive(l.Source, l.Text)
		}
		if strings.TrimSpace(l.Text) != "" {
			if tail = append(tail, l.Text); len(tail) > tailLines {
				tail = tail[1:]
			}
		}
	}
	process, err := b.runtime.Start(ctx, spec)
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return errors.Join(ctx.Err(), err)
		}
		<-process.Done()
		return ctx.Err()
	}
	exit := process.Exit()
	if exit.Err != nil {
		return exit.Err
	}
	if exit.Code != 0 {
		return &exitError{exit, tail}
	}
	return nil
}

// tool is receive for a program whose output is part of the build's log.
func tool(log Log) func(runtime.Source, string) {
	return func(source runtime.Source, text string) {
		log(strings.ToUpper(source.String()), text)
	}
}
