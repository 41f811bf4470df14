package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	urfave "github.com/urfave/cli/v2"

	"github.com/fal-plugins/fal/plugins/internal/invocation"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// Process is what a program gets from the system; tests make their own.
type Process struct {
	Args    []string // without the program's name
	Streams *iostreams.Streams
	Getenv  func(string) string
	// Typed is how the program was called, as `fal runners`; empty for its own
	// name.
	Typed string
}

// Main runs app with the arguments of this process and returns its exit code.
// The first interrupt, SIGTERM or SIGHUP cancels the command's context; a second
// one ends the process at once.
func Main(app *App) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	var caught atomic.Int32
	go func() {
		s := <-signals
		signal.Stop(signals)
		code := int32(ExitInterrupted)
		if number, ok := s.(syscall.Signal); ok && s != os.Interrupt {
			code = 128 + int32(number)
		}
		caught.Store(code)
		cancel()
	}()
	typed, _ := invocation.Typed(os.Getenv(invocation.Variable), app.Name, os.Getpid(), os.Getppid())
	os.Unsetenv(invocation.Variable) // it is not meant for programs that this one starts
	code := Run(ctx, app, Process{Args: os.Args[1:], Streams: iostreams.System(), Getenv: os.Getenv, Typed: typed})
	if by := caught.Load(); by != 0 && code != ExitOK {
		return int(by)
	}
	return code
}

// Run runs app and returns its exit code. Everything that it prints goes to
// the streams; it leaves no goroutine behind.
func Run(ctx context.Context, app *App, p Process) int {
	if len(p.Args) > 0 && p.Args[0] == CompleteWord {
		return complete(ctx, app, p)
	}
	typed := cmp.Or(p.Typed, app.Name)
	l, err := run(ctx, app, typed, p)
	if flushErr := p.Streams.Flush(); err == nil {
		err = flushErr
	}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || ExitCode(err) == ExitUnavailable) {
		return ExitInterrupted
	}
	return fail(typed, p, err, l.wantsJSON(p.Getenv) || l.unread && asksForJSON(p.Args))
}

// Report prints the error of a program that has not come as far as Run, and
// returns its exit code; 0, and nothing is printed, for nil.
func Report(name string, p Process, err error) int { return fail(name, p, err, asksForJSON(p.Args)) }

func fail(typed string, p Process, err error, asJSON bool) int {
	if err == nil {
		return ExitOK
	}
	if iostreams.IsClosedPipe(err) && !failedToo(err) {
		return ExitOK // whoever read our output has had enough, as with `| head -1`
	}
	paint := func(label, text string) string {
		if label == "error" {
			return p.Streams.PaintErr(iostreams.Red, text)
		}
		return p.Streams.PaintErr(iostreams.Dim, text)
	}
	report(p.Streams.Err, typed, err, asJSON, paint)
	return ExitCode(err)
}

// failedToo reports whether an error is more than that of writing.
func failedToo(err error) bool {
	var own *Error
	return errors.As(err, &own)
}

func run(ctx context.Context, app *App, typed string, p Process) (line, error) {
	app = withBuiltins(app)
	g := newGlobals(app)
	l, err := order(app, g.flags, typed, asked(app, p.Args))
	for _, f := range l.flags { // the colour of an error, too, is a wish
		if f.flag.Name == "color" {
			if mode, err := iostreams.ParseColorMode(f.value); err == nil {
				p.Streams.SetColor(mode)
			}
		}
	}
	if err != nil {
		return l, inTypedForm(err, app, typed)
	}
	h := helpText{app: app, globals: g, typed: typed, streams: p.Streams}
	switch {
	case l.help:
		return l, h.command(p.Streams.Out, l.path)
	case l.version:
		if l.wantsJSON(p.Getenv) {
			return l, json.NewEncoder(p.Streams.Out).Encode(version.Get(app.Name))
		}
		return l, printVersion(p.Streams.Out, app)
	case len(l.path) == 0 || len(l.command().Sub) > 0:
		return l, h.command(p.Streams.Out, l.path)
	}
	c := l.command()
	inv := &Invocation{IO: p.Streams, Getenv: p.Getenv, App: app, Command: c, DashAt: l.dashAt, typed: typed, line: l}
	act := func(ctx context.Context, args []string) error {
		if err := bindArgs(c, args, usageLine(app, l.path, "fal")); err != nil {
			return err
		}
		printer, format, err := g.printer(app, c, p.Streams, p.Getenv)
		if err != nil {
			return err
		}
		inv.Printer, inv.Format = printer, format
		inv.Profile, inv.Team, inv.Host, inv.Environment = g.profile, g.team, g.host, g.environment
		inv.Verbose, inv.Debug, inv.Timeout = g.verbose || g.debug, g.debug, g.timeout
		if inv.Verbose {
			warnShadowed(p)
		}
		inv.lasts = c.Lasts != nil && c.Lasts()
		if inv.lasts {
			return inv.accounted(c.Run(ctx, inv))
		}
		if inv.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, inv.Timeout)
			defer cancel()
		} else if !app.Account && (c.Waits == nil || !c.Waits()) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
			defer cancel()
		}
		return inv.accounted(c.Run(ctx, inv))
	}
	err = parse(ctx, app, g, l, act)
	return l, inTypedForm(err, app, typed)
}

// parse hands the ordered line to urfave/cli, which reads the flags into their
// values and calls act.
func parse(ctx context.Context, app *App, g *globals, l line, act func(context.Context, []string) error) error {
	// The cause of a refused value: the flag package keeps its text only.
	var refused error
	onUsage := func(_ *urfave.Context, err error, _ bool) error {
		if refused != nil {
			return refused
		}
		return Usagef("%s", err)
	}
	leaf := l.command()
	command := &urfave.Command{
		Name: leaf.Name, HideHelp: true, HideHelpCommand: true, OnUsageError: onUsage,
		Action: func(c *urfave.Context) error { return act(c.Context, c.Args().Slice()) },
	}
	for _, f := range append(append([]*Flag{}, leaf.Flags...), g.flags(leaf)...) {
		command.Flags = append(command.Flags, &urfave.GenericFlag{Name: f.Name, Value: &genericValue{flag: f, refused: &refused}})
	}
	for i := len(l.path) - 2; i >= 0; i-- {
		command = &urfave.Command{Name: l.path[i].Name, HideHelp: true, HideHelpCommand: true,
			OnUsageError: onUsage, Subcommands: []*urfave.Command{command}}
	}
	program := &urfave.App{
		Name: app.Name, HideHelp: true, HideHelpCommand: true, HideVersion: true,
		Writer: io.Discard, ErrWriter: io.Discard, OnUsageError: onUsage,
		ExitErrHandler: func(*urfave.Context, error) {}, DisableSliceFlagSeparator: true,
		Commands: []*urfave.Command{command},
	}
	return program.RunContext(ctx, append([]string{app.Name}, l.canonical()...))
}

// genericValue lets urfave/cli set a Value.
type genericValue struct {
	flag    *Flag
	refused *error
}

func (v *genericValue) String() string { return "" }

func (v *genericValue) Set(text string) error {
	err := setFlag(v.flag, text)
	if err != nil && *v.refused == nil {
		*v.refused = err
	}
	return err
}

func setFlag(f *Flag, text string) error {
	if len(f.Values) > 0 {
		member := ""
		for _, v := range f.Values {
			if strings.EqualFold(v, text) {
				member = v
			}
		}
		if member == "" {
			e := Usagef("unknown value %q for --%s", text, f.Name)
			if near := suggest.Nearest(text, f.Values); near != "" {
				e = e.WithHint("did you mean " + near + "?")
			}
			return e.WithHint("--" + f.Name + " takes " + strings.Join(f.Values, ", "))
		}
		text = member
	}
	if err := f.Value.Set(text); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return e
		}
		shown := strings.ReplaceAll(text, ArgSeparator, " ")
		return &Error{Exit: ExitUsage, Message: fmt.Sprintf("invalid value %q for --%s: %s", shown, f.Name, err), Hint: hintsOf(err), Err: err}
	}
	return nil
}

func bindArgs(c *Command, args []string, usage string) error {
	for i, a := range c.Args {
		if len(args) == 0 {
			if a.Optional {
				continue
			}
			return Usagef("%s is missing", a.Name).WithHint("usage: " + usage)
		}
		n := 1
		if a.Repeat && i == len(c.Args)-1 {
			n = len(args)
		}
		for _, text := range args[:n] {
			if err := a.Value.Set(text); err != nil {
				var e *Error
				if errors.As(err, &e) {
					return e
				}
				return &Error{Exit: ExitUsage, Message: fmt.Sprintf("invalid %s %q: %s", a.Name, text, err), Hint: hintsOf(err), Err: err}
			}
		}
		args = args[n:]
	}
	if len(args) > 0 {
		return unexpectedArgument(args[0]).WithHint("usage: " + usage)
	}
	return nil
}

// warnShadowed says when `fal` would run another program than the dispatcher
// beside this one, as in a virtual environment with the official client.
func warnShadowed(p Process) {
	self, err := os.Executable()
	if err != nil {
		return
	}
	if s, ok := searchpath.Parse(p.Getenv("PATH"), p.Getenv("PATHEXT")).Shadowed(self, "fal"); ok {
		fmt.Fprintf(p.Streams.Err, "notice: %s: %s\n", s.Message, s.PathLine)
	}
}

// inTypedForm rewrites "fal <noun> …" in hints for a plugin that was called by
// its own name: the dispatcher may not be installed.
func inTypedForm(err error, app *App, typed string) error {
	var e *Error
	if app.Noun == "" || typed != app.Name || !errors.As(err, &e) {
		return err
	}
	for i, h := range e.Hint {
		e.Hint[i] = retype(h, app, typed)
	}
	return err
}

func retype(text string, app *App, typed string) string {
	if app.Noun == "" || typed != app.Name {
		return text
	}
	return strings.ReplaceAll(text, "fal "+app.Noun+" ", typed+" ")
}

// HelpWord, as the first argument, asks for help in the words behind it: `help`
// itself can be the argument of a program whose name alone is a command.
const HelpWord = "__help"

// asked puts the command in the place of HelpWord.
func asked(app *App, args []string) []string {
	if len(args) > 0 && args[0] == HelpWord && !app.argumentsOnly() {
		return append([]string{"help"}, args[1:]...)
	}
	return args
}

// argumentsOnly reports whether any first word is an argument of the default
// command, unless it names another command of the app's own. Then there is no
// `version` and no `help`, whose places --version and --help take.
func (a *App) argumentsOnly() bool {
	return slices.ContainsFunc(a.Commands, func(c *Command) bool { return c.Default && len(c.Args) > 0 })
}

func withBuiltins(app *App) *App {
	own := *app
	own.Commands = append([]*Command{}, app.Commands...)
	builtins := []*Command{versionCommand(), helpCommand()}
	if app.argumentsOnly() {
		help := helpCommand()
		help.Name, help.Hidden = HelpWord, true
		builtins = []*Command{help}
	}
	for _, c := range builtins {
		if !slices.ContainsFunc(own.Commands, func(has *Command) bool { return has.Name == c.Name }) {
			own.Commands = append(own.Commands, c)
		}
	}
	return &own
}

func versionCommand() *Command {
	return &Command{
		Name: "version", Summary: "Show the version of this program", Output: Text, Single: true, JSON: version.Info{},
		Run: func(ctx context.Context, inv *Invocation) error {
			return output.Object(ctx, inv.Printer, version.Get(inv.App.Name), func(w io.Writer) error {
				return printVersion(w, inv.App)
			})
		},
	}
}

func printVersion(w io.Writer, app *App) error {
	_, err := fmt.Fprintln(w, version.Get(app.Name).String())
	return err
}
