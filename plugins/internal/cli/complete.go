package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// CompleteWord is the first argument by which a program completes a line
// instead of running it.
const CompleteWord = "__complete"

// CompletionBound is the longest that a completion takes, whatever a Completer
// does. A Completer that asks the network bounds itself more tightly.
const CompletionBound = 1500 * time.Millisecond

// Candidate is a value that the word may become.
type Candidate struct {
	Value       string // the whole value, not quoted for any shell
	Description string
}

// Completer returns the values that may stand where one is being typed. It
// changes nothing, asks nobody and prints nothing. It need not look at the word:
// values that do not begin with it, and those already given, are left out
// afterwards.
type Completer func(ctx context.Context, c *Completion) []Candidate

// Completion is what a Completer is told.
type Completion struct {
	Getenv  func(string) string
	App     *App
	Command *Command
	// Flags has the values of the flags given so far, by their long names.
	Flags map[string][]string
	// Args are the arguments given so far.
	Args []string
	// Began is when the line was asked about, from which what takes time is
	// bounded.
	Began time.Time
	// Word is the value typed so far, without what stands before it in the
	// same word, as `--state=` and `idle,` do.
	Word string

	reply *Reply
}

// Flag returns the last value of a flag, by its long name; empty without one.
func (c *Completion) Flag(name string) string {
	if v := c.Flags[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// Invocation is a run of the command as the line stands, for what needs one to
// reach the account. What it prints is lost.
func (c *Completion) Invocation() *Invocation {
	streams, _, out, errout := iostreams.Test()
	streams.In, streams.Out, streams.Err = strings.NewReader(""), io.Discard, io.Discard
	out.Reset()
	errout.Reset()
	return &Invocation{
		IO: streams, Getenv: c.Getenv, App: c.App, Command: c.Command, DashAt: -1, typed: c.App.Name,
		Profile: c.Flag("profile"), Team: c.Flag("team"), Host: c.Flag("host"), Environment: c.Flag("env"),
	}
}

// NoSpace keeps the shell from putting a space behind the value: it goes on.
func (c *Completion) NoSpace() { c.reply.NoSpace = true }

// Files returns a Completer of file names, in the shell's own way. Patterns, as
// in *.toml, are a wish that not every shell can grant.
func Files(patterns ...string) Completer {
	return func(_ context.Context, c *Completion) []Candidate {
		c.reply.Files, c.reply.Patterns = true, patterns
		return nil
	}
}

// Dirs returns a Completer of folders, in the shell's own way.
func Dirs() Completer {
	return func(_ context.Context, c *Completion) []Candidate {
		c.reply.Dirs = true
		return nil
	}
}

// Fixed returns a Completer of values that are known beforehand.
func Fixed(values ...string) Completer {
	return func(context.Context, *Completion) []Candidate { return plain(values) }
}

// SortKeys completes --sort: a key, and behind it that the order is reversed.
func SortKeys(names []string) Completer {
	var values []string
	for _, n := range names {
		values = append(values, n, n+":desc")
	}
	return Fixed(values...)
}

func plain(values []string) []Candidate {
	found := make([]Candidate, len(values))
	for i, v := range values {
		found[i].Value = v
	}
	return found
}

// complete answers one completion and returns the exit code, which is always 0.
func complete(ctx context.Context, app *App, p Process) int {
	r, err := ReadRequest(p.Args)
	if err != nil {
		return ExitOK
	}
	// A failed write has nobody to hear of it.
	_ = r.Write(p.Streams.Out, Complete(ctx, app, p.Getenv, r))
	_ = p.Streams.Flush()
	return ExitOK
}

// Complete returns what may stand at the place that r asks about, in a line of
// app. It returns within CompletionBound.
func Complete(ctx context.Context, app *App, getenv func(string) string, r Request) Reply {
	ctx, cancel := context.WithTimeout(ctx, CompletionBound)
	defer cancel()
	done := make(chan Reply, 1)
	go func() {
		var reply Reply
		defer func() {
			if recover() != nil { // a stack trace would land in the line that is being typed
				reply = Reply{}
			}
			done <- reply
		}()
		reply = candidates(ctx, app, getenv, r)
	}()
	select {
	case reply := <-done:
		return reply
	case <-ctx.Done():
		return Reply{}
	}
}
