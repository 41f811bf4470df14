package apps

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type scaleOptions struct {
	dependencies

	apps   []string
	params fal.AppsScaleParams
	asked  []string // the settings that were given, by their JSON keys
	dryRun bool
}

func newScale(d dependencies) *cli.Command {
	o := &scaleOptions{dependencies: d}
	p := &o.params
	return &cli.Command{
		Name:    "scale",
		Summary: "Change how apps scale",
		Description: "Changes the settings that are given, zero included, and leaves the others as they are; shows each one before and after. Whether a machine type is known, and what is too much, only the service can say: --dry-run does not ask it. Several apps of one environment can be changed at once: nothing is when one of them does not exist.\n\n" +
			"Lengths of time are seconds, or text such as 90s, 5m or 1h30m. The next deploy keeps what is set here, except machine types, max multiplexing and startup timeout: those it takes from the code.",
		Args: []cli.Arg{{Name: "APP", Repeat: true, Value: cli.NonEmptyStrings(&o.apps), Complete: d.values.Apps(),
			Usage: "apps, or APP--ENV for those in an environment"}},
		Output:      cli.Text,
		JSON:        view.AppScalingList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "min-concurrency", Placeholder: "N", Value: o.number("min_concurrency", &p.MinConcurrency, 0), Usage: "runners that are kept without requests"},
			{Name: "max-concurrency", Placeholder: "N", Value: o.number("max_concurrency", &p.MaxConcurrency, 1), Usage: "runners at most, 1 or more"},
			{Name: "max-multiplexing", Placeholder: "N", Value: o.number("max_multiplexing", &p.MaxMultiplexing, 1), Usage: "requests that one runner works on at once, 1 or more"},
			{Name: "concurrency-buffer", Placeholder: "N", Value: o.number("concurrency_buffer", &p.ConcurrencyBuffer, 0), Usage: "runners kept beyond those that are needed"},
			{Name: "concurrency-buffer-perc", Placeholder: "PERCENT", Value: o.number("concurrency_buffer_perc", &p.ConcurrencyBufferPerc, 0), Usage: "the same as a share of those that are needed"},
			{Name: "scaling-delay", Placeholder: "TIME", Value: o.length("scaling_delay", &p.ScalingDelay), Usage: "how long a request waits before a runner is started for it"},
			{Name: "keep-alive", Placeholder: "TIME", Value: o.length("keep_alive", &p.KeepAlive), Usage: "how long a runner without requests is kept"},
			{Name: "request-timeout", Placeholder: "TIME", Value: o.length("request_timeout", &p.RequestTimeout), Usage: "how long a request may take"},
			{Name: "startup-timeout", Placeholder: "TIME", Value: o.length("startup_timeout", &p.StartupTimeout), Usage: "how long a runner may take to start"},
			{Name: "machine-types", Placeholder: "TYPE", Greedy: true, Value: o.words("machine_types", &p.MachineTypes), Complete: d.values.MachineTypes(), Usage: "machines that runners may have, the preferred first; takes all words up to the next flag"},
			{Name: "regions", Placeholder: "REGION", Values: regionNames[:], Greedy: true, Value: o.words("valid_regions", &p.Regions),
				Usage: "regions where runners may be: " + strings.Join(regionNames[:], ", ")},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would change, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "one runner is always there", Line: "fal apps scale checkout --min-concurrency 1"},
			{Comment: "what would change, for two apps in staging", Line: "fal apps scale checkout search --env staging --max-concurrency 4 --keep-alive 5m --dry-run"},
			{Comment: "other machines, until the next deploy", Line: "fal apps scale checkout --machine-types GPU-H100 GPU-A100"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runScale(ctx, inv, o) },
	}
}

// number is the value of a flag that sets a setting, whose absence is told from
// zero. What is lower than lowest makes no sense anywhere.
func (o *scaleOptions) number(setting string, p **int, lowest int) cli.Value {
	n := 0
	value := cli.Int(&n, lowest, math.MaxInt32)
	return o.asking(setting, func(text string) error {
		if err := value.Set(text); err != nil {
			return err
		}
		*p = new(n)
		return nil
	})
}

func (o *scaleOptions) length(setting string, p **time.Duration) cli.Value {
	return o.asking(setting, func(text string) error {
		d, err := parseSeconds(text)
		if err != nil {
			return err
		}
		*p = &d
		return nil
	})
}

func (o *scaleOptions) words(setting string, p *[]string) cli.Value {
	each := cli.NonEmptyStrings(p)
	return o.asking(setting, func(text string) error {
		if strings.Contains(text, ",") {
			return errors.New("want the words apart: " + strings.ReplaceAll(text, ",", " "))
		}
		return each.Set(text)
	})
}

func (o *scaleOptions) asking(setting string, set func(string) error) cli.Value {
	return cli.Func(func(text string) error {
		if err := set(text); err != nil {
			return err
		}
		if !slices.Contains(o.asked, setting) {
			o.asked = append(o.asked, setting)
		}
		return nil
	})
}

// parseSeconds reads a length of time that the wire can carry: a whole number
// of seconds, or text such as 5m.
func parseSeconds(text string) (time.Duration, error) {
	bad := errors.New("want seconds, or a length of time such as 90s, 5m or 1h30m")
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 0 || n > math.MaxInt32 {
			return 0, fmt.Errorf("want 0 to %d seconds", math.MaxInt32)
		}
		return time.Duration(n) * time.Second, nil
	}
	d, err := cli.ParseDuration(text)
	switch {
	case err != nil:
		return 0, bad
	case d < 0 || d > math.MaxInt32*time.Second:
		return 0, fmt.Errorf("want 0 to %d seconds", math.MaxInt32)
	case d%time.Second != 0:
		return 0, errors.New("want whole seconds")
	}
	return d, nil
}

func runScale(ctx context.Context, inv *cli.Invocation, o *scaleOptions) error {
	p := o.params
	switch {
	case len(o.asked) == 0:
		return cli.Usagef("no setting is given").WithHint("`fal apps scale --help` shows them, as in --min-concurrency 1")
	case p.MinConcurrency != nil && p.MaxConcurrency != nil && *p.MinConcurrency > *p.MaxConcurrency:
		return cli.Usagef("--min-concurrency %d is above --max-concurrency %d", *p.MinConcurrency, *p.MaxConcurrency)
	}
	s, err := o.open(ctx, inv, each(o.apps)...)
	if err != nil {
		return err
	}
	defer s.Close()
	targets, err := o.targets(ctx, inv, s)
	if err != nil {
		return err
	}
	if o.dryRun {
		outcomes := make([]view.AppScaling, len(targets))
		for i, a := range targets {
			outcomes[i] = view.NewAppScaling(view.NewApp(a), view.NewApp(o.applied(a)), o.asked, view.ScalingWould)
		}
		return o.print(ctx, inv, outcomes)
	}
	outcomes, failures := o.update(ctx, inv, s, targets)
	for i, a := range targets {
		if failures[i] == nil {
			inv.Did("scaled %s", a.Name())
		}
	}
	// What was done is said, also after Ctrl-C; and that something failed weighs
	// more than that it could not be written down.
	err = o.print(context.WithoutCancel(ctx), inv, outcomes)
	names := make([]string, len(targets))
	for i, a := range targets {
		names[i] = a.Name()
	}
	return outcome.Joined(outcome.Failure(outcome.Words{Noun: "app", Done: "scaled"}, names, failures), err)
}

// targets are the apps that were named, as they are now. All are looked up
// before one is changed.
func (o *scaleOptions) targets(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]fal.AppInfo, error) {
	apps, err := list(ctx, inv, s)
	if err != nil {
		return nil, err
	}
	var targets []fal.AppInfo
	var missing []error
	for _, name := range o.apps {
		a, err := find(s, apps, name)
		switch {
		case err != nil:
			missing = append(missing, err)
		case !slices.ContainsFunc(targets, func(t fal.AppInfo) bool { return t.Alias == a.Alias }):
			targets = append(targets, a)
		}
	}
	if len(missing) > 0 {
		return nil, allMissing(missing)
	}
	for _, a := range targets {
		if after := o.applied(a); after.MinConcurrency > after.MaxConcurrency {
			return nil, aboveMax(a, after)
		}
	}
	return targets, nil
}

// allMissing is one error for all apps that are not there.
func allMissing(missing []error) error {
	if len(missing) == 1 {
		return missing[0]
	}
	all := &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: "nothing was changed:", Err: errors.Join(missing...)}
	for _, err := range missing {
		all.Lines = append(all.Lines, "  "+err.Error())
		var e *cli.Error
		if errors.As(err, &e) {
			for _, hint := range e.Hint {
				if !slices.Contains(all.Hint, hint) {
					all.Hint = append(all.Hint, hint)
				}
			}
		}
	}
	return all
}

// aboveMax refuses a minimum above the maximum, which the service might take
// and could not heed.
func aboveMax(before, after fal.AppInfo) error {
	e := cli.Usagef("min_concurrency of %s would be %d, above its max_concurrency %d", before.Name(), after.MinConcurrency, after.MaxConcurrency)
	if after.MinConcurrency != before.MinConcurrency {
		return e.WithHint(fmt.Sprintf("raise both: --min-concurrency %d --max-concurrency %[1]d", after.MinConcurrency))
	}
	return e.WithHint(fmt.Sprintf("lower both: --min-concurrency %d --max-concurrency %[1]d", after.MaxConcurrency))
}

// applied is an app with the settings that were given.
func (o *scaleOptions) applied(a fal.AppInfo) fal.AppInfo {
	p := o.params
	set(&a.MinConcurrency, p.MinConcurrency)
	set(&a.MaxConcurrency, p.MaxConcurrency)
	set(&a.MaxMultiplexing, p.MaxMultiplexing)
	set(&a.ConcurrencyBuffer, p.ConcurrencyBuffer)
	set(&a.ConcurrencyBufferPerc, p.ConcurrencyBufferPerc)
	set(&a.ScalingDelay, p.ScalingDelay)
	set(&a.KeepAlive, p.KeepAlive)
	set(&a.RequestTimeout, p.RequestTimeout)
	set(&a.StartupTimeout, p.StartupTimeout)
	if p.MachineTypes != nil {
		a.MachineTypes = p.MachineTypes
	}
	if p.Regions != nil {
		a.Regions = p.Regions
	}
	return a
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// update makes the calls, and says what became of each app.
func (o *scaleOptions) update(ctx context.Context, inv *cli.Invocation, s *session.Session, targets []fal.AppInfo) ([]view.AppScaling, []error) {
	outcomes, failures := make([]view.AppScaling, len(targets)), make([]error, len(targets))
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for i, before := range targets {
		group.Go(func() error {
			ctx, cancel := inv.RequestContext(ctx)
			defer cancel()
			after, err := s.Client.Apps.Scale(ctx, before.Alias, &o.params)
			if err != nil {
				failures[i] = s.Error(err)
				text := failures[i].Error()
				outcomes[i] = view.NewAppScaling(view.NewApp(before), view.NewApp(before), nil, view.ScalingFailed)
				outcomes[i].Error = &text
				return nil
			}
			outcomes[i] = view.NewAppScaling(view.NewApp(before), view.NewApp(after), o.asked, view.ScalingDone)
			return nil
		})
	}
	_ = group.Wait() // failures are kept one by one
	return outcomes, failures
}

// print says what became of each app: lines, or records when asked for.
func (o *scaleOptions) print(ctx context.Context, inv *cli.Invocation, outcomes []view.AppScaling) error {
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, view.AppScalings(), outcomes)
	}
	for _, v := range outcomes {
		if err := v.WriteText(inv.IO.Out, inv.Printer); err != nil {
			return err
		}
	}
	if err := inv.IO.Flush(); err != nil {
		return err
	}
	var reset []string
	for _, v := range outcomes {
		for _, setting := range v.ResetByDeploy {
			if !slices.Contains(reset, setting) {
				reset = append(reset, setting)
			}
		}
	}
	if len(reset) > 0 {
		o.note(inv, "the next deploy takes "+strings.Join(reset, ", ")+" from the code again")
	}
	if o.dryRun {
		o.note(inv, "the service was not asked whether it takes these values")
	}
	return nil
}

func (o *scaleOptions) note(inv *cli.Invocation, text string) {
	fmt.Fprintln(inv.IO.Err, inv.IO.PaintErr(iostreams.Dim, "note: "+text))
}
