// Package runnerlist lists runners, for the commands that show them and for
// those that take one as their argument.
//
// A command that is such a list declares a Listing's flags and runs it with the
// call that answers it:
//
//	l := &runnerlist.Listing{Connect: session.Open, Now: time.Now}
//	Flags: l.Flags(),
//	Lasts: l.Lasts,
//	Run: func(ctx context.Context, inv *cli.Invocation) error {
//		return l.Run(ctx, inv, source)
//	}
//
// It guarantees that words and times are checked before anything is asked for,
// that one look is one bounded request, and that an argument means the one
// runner whose id is, or begins with, that text, or is an error that shows those
// it could mean.
package runnerlist

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Kept is how long the service knows runners that have ended.
const Kept = 24 * time.Hour

// AppPrefix stands before an app's name where a runner could be named.
const AppPrefix = "app/"

// stateNames are the words for --state, old names included.
var stateNames = [...]string{
	"all", "running", "idle", "pending", "setup", "docker_pull", "draining",
	"terminating", "terminated", "dead", "crash_backoff", "failure_delay",
}

// StateFlag declares --state; usage says what the states are for.
func StateFlag(p *[]string, usage string) *cli.Flag {
	return &cli.Flag{Name: "state", Placeholder: "STATE", Values: stateNames[:], Greedy: true, Value: cli.Strings(p),
		Usage: usage + ": " + strings.Join(stateNames[:], ", ")}
}

// ParseStates converts the words of --state; `all` means no filter.
func ParseStates(words []string) ([]fal.RunnerState, error) {
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

// Ended reports whether a runner in this state, as JSON names it, has ended.
func Ended(state string) bool { return state == "TERMINATED" }

// Collect lists runners in one bounded request, those of apps only when there
// are any.
func Collect(ctx context.Context, inv *cli.Invocation, s *session.Session, params *fal.RunnersListParams, apps []string) ([]view.Runner, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	all := params == nil || len(params.States) == 0 && params.App == ""
	return rows(s, OfApps(complete.KeepRunners(s, s.Client.Runners.List(ctx, params), all), apps))
}

// OfApps keeps the runners of apps, and all when there are none. An app in
// another environment than main is named `app--env`, as in the rest of the
// suite.
func OfApps(runners iter.Seq2[fal.Runner, error], apps []string) iter.Seq2[fal.Runner, error] {
	if len(apps) == 0 {
		return runners
	}
	return func(yield func(fal.Runner, error) bool) {
		for r, err := range runners {
			if (err != nil || slices.Contains(apps, r.Alias)) && !yield(r, err) {
				return
			}
		}
	}
}

func rows(s *session.Session, runners iter.Seq2[fal.Runner, error]) ([]view.Runner, error) {
	var rows []view.Runner
	for r, err := range runners {
		if err != nil {
			return nil, s.Error(err)
		}
		rows = append(rows, view.NewRunner(r))
	}
	return rows, nil
}
