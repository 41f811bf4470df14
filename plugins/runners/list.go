package runners

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type listOptions struct {
	dependencies

	since    time.Time
	states   []string
	apps     []string
	sort     string
	watching watchOptions
}

// The service keeps ended runners for a day; a minute is granted for clocks.
const (
	longestSince = 24 * time.Hour
	sinceLeeway  = time.Minute
)

func newList(d dependencies) *cli.Command {
	o := &listOptions{dependencies: d}
	return &cli.Command{
		Name:    "list",
		Aliases: []string{"ls"},
		Summary: "List runners",
		Description: "Lists the runners that are alive or about to be, by app and then the oldest first. Requests in flight stand under their runner. Runners that have ended are listed with --since only.\n\n" +
			`With --watch the list goes on until Ctrl-C. On a terminal it is redrawn; in a pipe each change is a line of its own, {"event": "added", "runner": {...}}: first all that are there are added, then runners are added, changed (their age apart) and removed, and --jq filters line by line. A service that is away for a while is asked again.`,
		Output: cli.Records,
		JSON:   view.RunnerList{},
		Flags: append([]*cli.Flag{
			{Name: "since", Placeholder: "TIME", Value: cli.Time(&o.since, d.now),
				Usage: "also list runners that ended since then: 30m, 1h, 1d, or an ISO timestamp, at most 24 hours back"},
			stateFlag(&o.states, "only runners in these states"),
			{Name: "app", Placeholder: "APP", Value: cli.NonEmptyStrings(&o.apps), Greedy: true,
				Usage: "only runners of these apps; APP--ENV for one in an environment"},
			{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&o.sort),
				Usage: "sort by " + strings.Join(sortKeys(), ", ")},
		}, o.watching.flags()...),
		Lasts: func() bool { return o.watching.watch },
		Examples: []cli.Example{
			{Comment: "the ids of all idle runners", Line: "fal runners list --state idle -o name"},
			{Comment: "requests in flight for each app", Line: `fal runners list --jq '.runners | group_by(.alias)[] | "\(.[0].alias)\t\(map(.in_flight_requests) | add)"'`},
			{Comment: "what ended in the last hour", Line: "fal runners list --since 1h --state terminated"},
			{Comment: "every runner that crashes, as it happens", Line: `fal runners list --watch --jq 'select(.runner.state == "CRASH_BACKOFF").runner.runner_id'`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runList(ctx, inv, o) },
	}
}

func stateFlag(p *[]string, usage string) *cli.Flag {
	return &cli.Flag{Name: "state", Placeholder: "STATE", Values: stateNames[:], Greedy: true, Value: cli.Strings(p),
		Usage: usage + ": " + strings.Join(stateNames[:], ", ")}
}

func sortKeys() []string {
	var keys []string
	for _, k := range view.Runners(nil).Sorts {
		keys = append(keys, k.Name)
	}
	return keys
}

func runList(ctx context.Context, inv *cli.Invocation, o *listOptions) error {
	params, err := o.params()
	if err != nil {
		return err
	}
	if err := o.watching.check(inv.Format, inv.Getenv("FAL_OUTPUT")); err != nil {
		return err
	}
	v := view.Runners(nil)
	if v.Compare, err = output.ParseSort(v, o.sort); err != nil { // told before anything is asked for
		return err
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	if o.watching.watch {
		return runWatch(ctx, inv, o, s, params, v.Compare)
	}
	rows, err := collect(ctx, inv, s, params, o.apps)
	if err != nil {
		return err
	}
	order := v.Compare
	v = view.Runners(rows)
	v.Compare = order
	if len(rows) == 0 && o.since.IsZero() && slices.Contains(params.States, fal.RunnerTerminated) {
		fmt.Fprintln(inv.IO.Err, "note: runners that have ended are listed with --since, as in --since 1h")
	}
	return output.List(ctx, inv.Printer, v, rows)
}

func (o *listOptions) params() (*fal.RunnersListParams, error) {
	if !o.since.IsZero() {
		now := o.now()
		switch {
		case now.Sub(o.since) > longestSince+sinceLeeway:
			return nil, cli.Usagef("--since reaches further back than 24 hours").WithHint("ended runners are kept for a day: --since 24h")
		case o.since.After(now.Add(sinceLeeway)):
			return nil, cli.Usagef("--since lies in the future")
		}
	}
	states, err := parseStates(o.states)
	if err != nil {
		return nil, err
	}
	return &fal.RunnersListParams{Since: o.since, States: states}, nil
}

// parseStates converts the words of --state; `all` means no filter.
func parseStates(words []string) ([]fal.RunnerState, error) {
	var states []fal.RunnerState
	for _, w := range words {
		if w == "all" {
			return nil, nil
		}
		s, err := fal.ParseRunnerState(w)
		if err != nil {
			return nil, cli.Usagef("%s", err)
		}
		states = append(states, s)
	}
	return states, nil
}

// collect lists runners in one bounded request, those of apps only when there
// are any. An app in another environment than main is named `app--env`, as in
// the rest of the suite.
func collect(ctx context.Context, inv *cli.Invocation, s *session.Session, params *fal.RunnersListParams, apps []string) ([]view.Runner, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var rows []view.Runner
	for r, err := range s.Client.Runners.List(ctx, params) {
		if err != nil {
			return nil, s.Error(err)
		}
		if len(apps) == 0 || slices.Contains(apps, r.Alias) {
			rows = append(rows, view.NewRunner(r))
		}
	}
	return rows, nil
}
