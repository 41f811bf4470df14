package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type setOptions struct {
	dependencies

	words     []string // NAME or NAME=VALUE
	files     []string // NAME=path
	envFiles  []string
	variables []string
	exposed   bool
	hidden    bool
}

func newSet(d dependencies) *cli.Command {
	o := &setOptions{dependencies: d}
	return &cli.Command{
		Name:    "set",
		Summary: "Set secrets",
		Description: "Sets secrets of one environment, new ones or again. Runners that start from then on get them.\n\n" +
			"NAME alone asks for the value and does not show it. Without a terminal the value is what stands on standard input, without one line end at its end. Any other value is taken byte for byte; it must be UTF-8 text without NUL bytes, of at most 128 KiB and of what the service allows. Only NAME=, on the command line or in a .env file, sets an empty one: anything else that is empty is refused as a mistake.\n\n" +
			"NAME=VALUE puts the value where others may find it: into the shell's history and, while the command runs, into the list of processes.\n\n" +
			"A .env file has lines NAME=VALUE, also behind `export`; # begins a comment on a line of its own or behind a blank. A value in single or double quotes may go over several lines. Nothing in it is expanded or unescaped: $ and \\ stand for themselves.\n\n" +
			"All names, files and values are checked before the first secret is set. If one fails then, those behind it are not tried, what was set and what was not is said, and the exit code is 1 if anything was set.\n\n" +
			"Apps that name no secrets get those that are exposed by default. Setting a secret again keeps that as it was, unless a flag says otherwise.",
		Args:        []cli.Arg{{Name: "NAME[=VALUE]", Usage: "a secret: letters, digits and underscores, no digit first", Optional: true, Repeat: true, Value: cli.Strings(&o.words), Complete: d.values.Secrets()}},
		Output:      cli.Text,
		JSON:        view.SecretActionList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "from-file", Placeholder: "NAME=PATH", Value: cli.NonEmptyStrings(&o.files), Complete: cli.AssignedFiles(d.values.Secrets()),
				Usage: "set NAME to all that is in a file, line ends included; - is standard input"},
			{Name: "from-env-file", Placeholder: "PATH", Value: cli.NonEmptyStrings(&o.envFiles), Complete: cli.Files(),
				Usage: "set every secret of a .env file; - is standard input"},
			{Name: "from-var", Placeholder: "NAME", Value: cli.NonEmptyStrings(&o.variables), Complete: d.completeVariables,
				Usage: "set NAME to what the environment variable of that name has here"},
			{Name: "exposed-by-default", Value: cli.Bool(&o.exposed),
				Usage: "give them to apps that name no secrets, too"},
			{Name: "not-exposed-by-default", Value: cli.Bool(&o.hidden),
				Usage: "give them only to apps that name them"},
		},
		Examples: []cli.Example{
			{Comment: "typed in, and not shown", Line: "fal secrets set HF_TOKEN"},
			{Comment: "from another program", Line: "pass show db | fal secrets set DB_PASSWORD --env staging"},
			{Comment: "a file, and all of a .env file", Line: "fal secrets set --from-file TLS_KEY=key.pem --from-env-file .env"},
			{Comment: "in CI, from its own secrets", Line: "fal secrets set --from-var STRIPE_KEY --not-exposed-by-default"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runSet(ctx, inv, o) },
	}
}

func runSet(ctx context.Context, inv *cli.Invocation, o *setOptions) error {
	params, err := o.params()
	if err != nil {
		return err
	}
	list, err := o.gather(ctx, inv)
	if err != nil {
		return err
	}
	s, err := o.connect(ctx, inv) // before anybody types: there may be no credentials
	if err != nil {
		return err
	}
	defer s.Close()
	if err := ask(ctx, inv, list); err != nil {
		return err
	}
	warn(inv, list)
	return set(ctx, inv, s, params, list)
}

func (o *setOptions) params() (*fal.SecretsSetParams, error) {
	switch {
	case o.exposed && o.hidden:
		return nil, cli.Usagef("--exposed-by-default and --not-exposed-by-default contradict each other")
	case o.exposed || o.hidden:
		return &fal.SecretsSetParams{DefaultExposed: &o.exposed}, nil
	}
	return &fal.SecretsSetParams{}, nil
}

// warn tells of values that were put where others may find them, and of those
// that another reader of .env files may have read in another way.
func warn(inv *cli.Invocation, list []secret) {
	var bare, files []string
	differing := map[string][]string{}
	for _, sec := range list {
		switch {
		case sec.from == fromLine && sec.value != "":
			bare = append(bare, sec.name)
		case sec.differs:
			if differing[sec.file] == nil {
				files = append(files, sec.file)
			}
			differing[sec.file] = append(differing[sec.file], sec.name)
		}
	}
	if len(bare) > 0 && inv.IO.InTerminal() && inv.IO.ErrTerminal() {
		what := "value of " + bare[0] + " is"
		if len(bare) > 1 {
			what = "values of " + strings.Join(bare, ", ") + " are"
		}
		fmt.Fprintf(inv.IO.Err, "warning: the %s in the shell's history now\n", what)
		fmt.Fprintf(inv.IO.Err, "hint: `%s set %s` asks for it and leaves it nowhere; --from-file and --from-env-file read it\n", inv.Typed(), bare[0])
	}
	for _, file := range files {
		fmt.Fprintf(inv.IO.Err, "note: %s in %s: \\ and $ are set as they stand, nothing is expanded\n", strings.Join(differing[file], ", "), shown(file))
	}
}

// set sets one after the other up to the first failure, and says what became
// of each also when Ctrl-C was pressed or time is up.
func set(ctx context.Context, inv *cli.Invocation, s *session.Session, params *fal.SecretsSetParams, list []secret) error {
	names := make([]string, len(list))
	for i, sec := range list {
		names[i] = sec.name
	}
	results := actions("set", s.Config.Environment.Value, "skipped", names)
	var failure error
	for i, sec := range list {
		request, cancel := inv.RequestContext(ctx)
		err := s.Client.Secrets.Set(request, sec.name, sec.value, params)
		cancel()
		if err == nil {
			results[i].Result = "done"
			continue
		}
		shown := noEnvironment(ctx, inv, s, err)
		text := shown.Error()
		results[i].Result, results[i].Error = "failed", &text
		if failure = partly(names, i, err, shown); errors.Is(ctx.Err(), context.Canceled) {
			fmt.Fprintln(inv.IO.Err, failure) // an interrupt is not put into words elsewhere
		}
		break
	}
	err := report(context.WithoutCancel(ctx), inv, results)
	if err == nil && results[0].Result == "done" {
		adviseRollout(inv, s.Config.Environment.Value)
	}
	return outcome.Joined(failure, err)
}

// adviseRollout tells a person that a secret reaches only runners that start
// from now on.
func adviseRollout(inv *cli.Invocation, environment string) {
	if !inv.IO.ErrTerminal() || inv.Format != output.Pretty && inv.Format != output.Wide {
		return
	}
	command := "fal apps rollout APP"
	if environment != "" {
		command += " --env " + cli.Quote(environment)
	}
	fmt.Fprintf(inv.IO.Err, "%s runners that run already keep what they were started with; `%s` replaces them\n", inv.IO.PaintErr(iostreams.Dim, "hint:"), command)
}

// partly is the failure to set one secret, with what that leaves behind.
func partly(names []string, at int, cause, shown error) error {
	if len(names) == 1 && !undecided(cause) {
		return shown
	}
	e := &cli.Error{Exit: cli.ExitCode(shown), Err: shown}
	if own := (*cli.Error)(nil); errors.As(shown, &own) {
		e.Code, e.Hint = own.Code, own.Hint
	}
	if at > 0 { // done in part is another outcome than not at all
		e.Exit, e.Code = cli.ExitFailure, ""
	}
	e.Message = fmt.Sprintf("%s was not set: %s", names[at], shown)
	if undecided(cause) {
		e.Message = fmt.Sprintf("whether %s was set is not known: %s", names[at], shown)
	}
	if at > 0 {
		e.Lines = append(e.Lines, "  set before it: "+strings.Join(names[:at], ", "))
	}
	if rest := names[at+1:]; len(rest) > 0 {
		e.Lines = append(e.Lines, "  not set: "+strings.Join(rest, ", "))
	}
	return e
}

// undecided reports whether the service may have done what it was asked to all
// the same.
func undecided(err error) bool {
	var e *fal.Error
	if !errors.As(err, &e) {
		return true
	}
	switch e.Code {
	case fal.CodeCanceled, fal.CodeDeadlineExceeded, fal.CodeUnknown, fal.CodeInternal:
		return true
	case fal.CodeUnavailable:
		switch e.Cause() {
		case fal.CauseDNS, fal.CauseRefused, fal.CauseTLS:
			return false
		}
		return true
	}
	return false
}
