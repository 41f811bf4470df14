// Package termtest runs a program in tests as somebody runs it who sits at a
// terminal or writes a script, against a server that records what it is asked.
//
//	tm := termtest.New(t, faltest.New(t), func(now func() time.Time) *cli.App { return app(…) })
//	tm.Want(tm.Run("list"), 0, "[]\n", "")
//	tm.TTY = true
//	tm.WantRequests("ListRunners {}")
//
// The program runs in the test's own process. It sees the environment of the
// Term and none of the test's, and a configuration file of its own.
package termtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// A Term is where a program is run: at a terminal, or in pipes. What is changed
// counts for the runs that follow.
type Term struct {
	T      *testing.T
	Server *faltest.Server // nil: there is none
	Env    map[string]string
	Config string // the path of the configuration file, which New does not make
	Stdin  string
	TTY    bool // all three streams are a terminal
	Quiet  bool // stderr is none all the same
	Width  int  // of the terminal; 0: not known
	// Now is the program's time: noon of 21 November 2026, UTC, unless changed.
	Now time.Time
	// Stdout takes the place of what Result.Out has. Optional.
	Stdout io.Writer
	// Never are texts that no output may have.
	Never []string

	app func(now func() time.Time) *cli.App
}

// A Result is what came of a run.
type Result struct {
	Code     int
	Out, Err string
}

// New makes a Term in pipes. With a server, its environment leads there, with a
// key. The app is made anew for each run.
func New(t *testing.T, server *faltest.Server, app func(now func() time.Time) *cli.App) *Term {
	t.Helper()
	tm := &Term{T: t, Server: server, Config: filepath.Join(t.TempDir(), "config.toml"), Now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), app: app}
	tm.Env = map[string]string{"FAL_CONFIG_PATH": tm.Config}
	if server != nil {
		tm.Env["FAL_KEY"], tm.Env["FAL_GRPC_HOST"], tm.Env["FAL_REST_HOST"] = "testid:testsecret", server.Host(), server.Host()
	}
	return tm
}

// Run runs a command to its end.
func (tm *Term) Run(argv ...string) Result {
	tm.T.Helper()
	return tm.RunContext(tm.T.Context(), argv...)
}

// RunContext is Run with a context, whose end is Ctrl-C.
func (tm *Term) RunContext(ctx context.Context, argv ...string) Result {
	tm.T.Helper()
	streams, in, out, errout := iostreams.Test()
	in.WriteString(tm.Stdin)
	streams.SetEnv(tm.Getenv)
	streams.SetTerminal(tm.TTY, tm.TTY, tm.TTY && !tm.Quiet)
	if tm.Width > 0 {
		streams.SetWidth(tm.Width)
	}
	streams.SetColor(iostreams.ColorNever)
	if tm.Stdout != nil {
		streams.Out = tm.Stdout
	}
	code := cli.Run(ctx, tm.app(func() time.Time { return tm.Now }), cli.Process{Args: argv, Streams: streams, Getenv: tm.Getenv})
	r := Result{code, out.String(), errout.String()}
	for _, never := range tm.Never {
		if all := r.Out + r.Err; strings.Contains(all, never) {
			tm.T.Errorf("%q shows %q:\n%s", argv, never, all)
		}
	}
	return r
}

// Getenv is the environment of the program.
func (tm *Term) Getenv(name string) string { return tm.Env[name] }

// Want holds a result against an exit code, all of stdout, and a part of stderr,
// which is to be empty for "".
func (tm *Term) Want(r Result, code int, out, errout string) {
	tm.T.Helper()
	if r.Code != code {
		tm.T.Errorf("exit %d, want %d\nstdout %s\nstderr %s", r.Code, code, r.Out, r.Err)
	}
	if r.Out != out {
		tm.T.Errorf("stdout\n%swant\n%s", r.Out, out)
	}
	if errout == "" && r.Err != "" || !strings.Contains(r.Err, errout) {
		tm.T.Errorf("stderr %q, want %q", r.Err, errout)
	}
}

// Requests are the calls that the server got, of some methods or of all, each
// as its method, a space and its compact JSON.
func (tm *Term) Requests(methods ...string) []string {
	tm.T.Helper()
	var lines []string
	for _, c := range tm.Server.Calls(methods...) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, c.Request); err != nil {
			tm.T.Fatal(err)
		}
		lines = append(lines, c.Method+" "+compact.String())
	}
	return lines
}

// WantRequests holds all requests so far against those wanted.
func (tm *Term) WantRequests(want ...string) {
	tm.T.Helper()
	if got := tm.Requests(); !slices.Equal(got, want) {
		tm.T.Errorf("requests\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// WantFed makes sure that what a command has listed is offered when line, of
// words with single spaces between them, is completed: a value that begins with
// want, and without another request.
func (tm *Term) WantFed(list, line, want string) {
	tm.T.Helper()
	tm.Env["FAL_CACHE_DIR"] = tm.T.TempDir()
	if r := tm.Run(strings.Fields(list)...); r.Code != 0 {
		tm.T.Fatal(r.Err)
	}
	before := len(tm.Server.Calls())
	r := tm.Run(append([]string{cli.CompleteWord, "--"}, strings.Split(line, " ")...)...)
	if r.Code != 0 || r.Err != "" || !strings.Contains("\n"+r.Out, "\n"+want) {
		tm.T.Errorf("exit %d, stderr %q, want %q in\n%s", r.Code, r.Err, want, r.Out)
	}
	if asked := len(tm.Server.Calls()) - before; asked != 0 {
		tm.T.Errorf("%d more requests", asked)
	}
}

// WriteConfig makes the configuration file.
func (tm *Term) WriteConfig(text string) {
	tm.T.Helper()
	if err := os.WriteFile(tm.Config, []byte(text), 0o600); err != nil {
		tm.T.Fatal(err)
	}
}

// WantConfig holds the configuration file against what it is to be, "" for none,
// and makes sure that it is private.
func (tm *Term) WantConfig(want string) {
	tm.T.Helper()
	got, err := os.ReadFile(tm.Config)
	if err != nil && !(want == "" && errors.Is(err, fs.ErrNotExist)) || string(got) != want {
		tm.T.Errorf("%v: the file is\n%swant\n%s", err, got, want)
	}
	if info, err := os.Stat(tm.Config); err == nil && runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		tm.T.Errorf("mode %v", info.Mode())
	}
}
