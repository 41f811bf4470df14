package cli

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Headings of the flags that commands share.
const (
	groupOutput  = "Output flags"
	groupAccount = "Account flags"
	groupGeneral = "General flags"
)

// globals holds the values of the flags that every command shares.
type globals struct {
	format    string
	json      bool
	jq        string
	jqGiven   bool
	variables []output.Variable
	color     string

	profile, team, host string
	environment         string

	verbose, debug bool
	timeout        time.Duration

	outputFlags, accountFlags, environmentFlags, generalFlags []*Flag
}

func newGlobals(app *App) *globals {
	g := &globals{}
	g.outputFlags = []*Flag{
		{Name: "output", Aliases: []string{"o"}, Placeholder: "FORMAT", Group: groupOutput, Values: allFormats(),
			Usage: formatUsage(allFormats()), Value: String(&g.format)},
		{Name: "json", Group: groupOutput, Usage: "same as --output json", Value: Bool(&g.json)},
	}
	if app.CompileJQ != nil {
		g.outputFlags = append(g.outputFlags,
			&Flag{Name: "jq", Aliases: []string{"q"}, Placeholder: "EXPR", Group: groupOutput,
				Usage: "filter the JSON with a jq expression; strings come out raw",
				Value: Func(func(s string) error { g.jq, g.jqGiven = s, true; return nil })},
			&Flag{Name: "arg", Placeholder: "NAME VALUE", Arity: 2, Group: groupOutput,
				Usage: "set $NAME in the jq expression to a string", Value: g.variable(false)},
			&Flag{Name: "argjson", Placeholder: "NAME JSON", Arity: 2, Group: groupOutput,
				Usage: "set $NAME in the jq expression to a JSON value", Value: g.variable(true)})
	}
	if app.Account {
		g.accountFlags = []*Flag{
			{Name: "profile", Placeholder: "NAME", Group: groupAccount, Value: NonEmpty(&g.profile),
				Usage: "use this profile of the configuration file, whatever the environment says"},
			{Name: "team", Placeholder: "TEAM", Group: groupAccount, Value: NonEmpty(&g.team),
				Usage: "act for this team"},
			{Name: "host", Placeholder: "HOST", Group: groupAccount, Hidden: true, Value: NonEmpty(&g.host),
				Usage: "gRPC host of the service"},
		}
		g.environmentFlags = []*Flag{
			{Name: "env", Placeholder: "ENV", Group: groupAccount, Value: String(&g.environment),
				Usage: "environment to work in; FAL_ENV is the default"},
		}
	}
	g.generalFlags = []*Flag{
		{Name: "color", Placeholder: "WHEN", Group: groupGeneral, Values: []string{"auto", "always", "never"},
			Usage: "colour: auto, always or never", Value: String(&g.color)},
	}
	if app.Account {
		g.generalFlags = append(g.generalFlags, &Flag{Name: "timeout", Placeholder: "TIME", Group: groupGeneral,
			Usage: "give up after this time" + timeoutForms + "; without it, each request has " + defaultTimeout, Value: Seconds(&g.timeout)})
	}
	verbose := "say what else is worth knowing"
	if app.Account {
		verbose = "say which host, account and credentials are used"
	}
	g.generalFlags = append(g.generalFlags,
		&Flag{Name: "verbose", Aliases: []string{"v"}, Group: groupGeneral, Value: Bool(&g.verbose), Usage: verbose})
	if app.Account {
		g.generalFlags = append(g.generalFlags,
			&Flag{Name: "debug", Group: groupGeneral, Value: Bool(&g.debug),
				Usage: "show requests, timings and metadata on stderr, secrets redacted"})
	}
	return g
}

// timeoutForms are how a length of time is given.
const timeoutForms = ": seconds, or as in 30s or 5m"

// defaultTimeout is DefaultTimeout as it is given.
const defaultTimeout = "60s"

func formatUsage(formats []string) string { return "print as " + strings.Join(formats, ", ") }

func allFormats() []string {
	var formats []string
	for _, f := range output.Formats() {
		formats = append(formats, string(f))
	}
	return formats
}

// names reports whether what a command prints can have names: one record, or
// the lines of a log, have none.
func (c *Command) names() bool {
	return !c.Single && (c.Stream.Flag == "" || c.Stream.Record != nil)
}

// formats are the values of --output that a command can take.
func (c *Command) formats() []string {
	if c.names() {
		return allFormats()
	}
	return slices.DeleteFunc(allFormats(), func(f string) bool { return f == string(output.Name) })
}

// SharedFlags returns the flags that commands of all programs have in common,
// for a program that reads them on behalf of others.
func SharedFlags() []*Flag {
	g := newGlobals(&App{Account: true, CompileJQ: func(string, ...output.Variable) (output.Filter, error) { return nil, nil }})
	return g.flags(&Command{Output: Records, Environment: true})
}

// Words returns how many words the value of a flag takes; 0 for a switch.
func (f *Flag) Words() int {
	if f.Value.kind() == kindBool {
		return 0
	}
	return max(1, f.Arity)
}

func (g *globals) variable(asJSON bool) Value {
	return Func(func(s string) error {
		name, text, _ := strings.Cut(s, ArgSeparator)
		read := output.Arg
		if asJSON {
			read = output.ArgJSON
		}
		v, err := read(name, text)
		if err != nil {
			return &Error{Exit: ExitUsage, Message: err.Error(), Hint: hintsOf(err), Err: err}
		}
		g.variables = append(g.variables, v)
		return nil
	})
}

// flags returns the shared flags of a command.
func (g *globals) flags(c *Command) []*Flag {
	var flags []*Flag
	if c.Output != NoOutput {
		for _, f := range g.outputFlags {
			if f.Name == "output" && !c.names() {
				own := *f
				own.Usage = formatUsage(c.formats())
				f = &own
			}
			flags = append(flags, f)
		}
	}
	flags = append(flags, g.accountFlags...)
	if c.Environment {
		flags = append(flags, g.environmentFlags...)
	}
	for _, f := range g.generalFlags {
		if f.Name == "verbose" && c.Verbose != "" {
			own := *f
			own.Usage += ", and " + c.Verbose
			f = &own
		}
		if f.Name == "timeout" && c.Lasts != nil {
			own := *f
			switch {
			case c.Stream.Flag != "":
				own.Usage += "; with --" + c.Stream.Flag + ", it bounds only the time without an answer"
			case c.Lasts():
				own.Usage = "give up when there is no answer after this time" + timeoutForms + "; " + defaultTimeout + " without it"
			}
			f = &own
		}
		flags = append(flags, f)
	}
	return flags
}

// wantsJSON reports whether JSON was asked for by name, which decides the form
// of errors too, of those in the line itself included. --jq does not count:
// what it prints is mostly text for people and shell scripts, and its own
// errors show a place in the expression.
func (l line) wantsJSON(getenv func(string) string) bool {
	asked := false
	for _, f := range l.flags {
		switch {
		case f.flag.Group != groupOutput:
		case f.flag.Name == "json":
			asked = f.value == "true"
		case f.flag.Name == "output":
			return isJSON(f.value)
		}
	}
	c := l.command()
	return asked || c != nil && c.Output == Records && isJSON(getenv("FAL_OUTPUT"))
}

func isJSON(format string) bool {
	f := output.Format(strings.ToLower(format))
	return f == output.JSON || f == output.JSONL
}

// asksForJSON is wantsJSON for a line that was not read: no command is known
// for it.
func asksForJSON(argv []string) bool {
	for i, w := range argv {
		value, long := strings.CutPrefix(w, "--output=")
		short, cluster := strings.CutPrefix(w, "-o")
		switch {
		case w == "--":
			return false
		case w == "--json", long && isJSON(value), cluster && isJSON(strings.TrimPrefix(short, "=")):
			return true
		case (w == "-o" || w == "--output") && i+1 < len(argv) && isJSON(argv[i+1]):
			return true
		}
	}
	return false
}

// printer settles the format: flag, variable, then what stdout is.
func (g *globals) printer(app *App, c *Command, streams *iostreams.Streams, getenv func(string) string) (*output.Printer, output.Format, error) {
	format, explicit := output.Pretty, false
	if c.Output == Records && !streams.OutTerminal() {
		format = output.JSON
	}
	if v := getenv("FAL_OUTPUT"); v != "" && c.Output == Records {
		f, err := output.ParseFormat(v)
		if err != nil {
			return nil, "", &Error{Exit: ExitUsage, Message: "FAL_OUTPUT: " + err.Error(), Hint: hintsOf(err)}
		}
		if !c.Single || output.CheckObject(f) == nil { // a wish for lists is none here
			format = f
		}
	}
	if g.format != "" {
		f, err := output.ParseFormat(g.format)
		if err != nil {
			return nil, "", err
		}
		if c.Single {
			if err := output.CheckObject(f); err != nil {
				return nil, "", err
			}
		}
		format, explicit = f, true
	}
	if g.json {
		if explicit && format != output.JSON {
			return nil, "", Usagef("--json and --output %s contradict each other", format)
		}
		format, explicit = output.JSON, true
	}
	if len(g.variables) > 0 && !g.jqGiven {
		return nil, "", Usagef("--arg and --argjson need --jq")
	}
	var filter output.Filter
	if g.jqGiven {
		if err := output.CheckFilter(format, explicit); err != nil {
			return nil, "", err
		}
		if !explicit && format != output.JSONL {
			format = output.JSON
		}
		var err error
		if filter, err = app.CompileJQ(g.jq, g.variables...); err != nil {
			return nil, "", err
		}
	}
	return output.New(streams, output.Options{Format: format, Filter: filter, Explicit: explicit}), format, nil
}

func hintsOf(err error) []string {
	var hinted interface{ Hints() []string }
	if errors.As(err, &hinted) {
		return hinted.Hints()
	}
	return nil
}
