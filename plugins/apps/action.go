package apps

import (
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

const parallelCalls = 8

// What --wait and --strategy mean is the same wherever they stand.
func waitFlag(p *bool) *cli.Flag {
	return &cli.Flag{Name: "wait", Value: cli.Bool(p), Usage: "wait until the runners have been replaced; --timeout bounds it"}
}

func strategyFlag(p **fal.DeploymentStrategy) *cli.Flag {
	return &cli.Flag{Name: "strategy", Placeholder: "STRATEGY", Values: []string{fal.StrategyRolling.String(), fal.StrategyRecreate.String()},
		Usage: "rolling starts the new runners first, which is the service's default; recreate ends the old ones first",
		Value: cli.Func(func(text string) error {
			s, err := fal.ParseDeploymentStrategy(text)
			*p = &s
			return err
		})}
}

// shownName is an app's name as people are told it: "checkout", or "checkout in
// staging".
func shownName(s *session.Session, app string) string {
	environment := s.Config.Environment.Value
	suffix := fal.JoinAlias("", environment)
	if suffix == "" {
		return app
	}
	return strings.TrimSuffix(app, suffix) + " in " + environment
}

// canAsk reports whether there is someone to answer a question.
func canAsk(inv *cli.Invocation) bool { return inv.IO.InTerminal() && inv.IO.ErrTerminal() }

// appsListed and revisionsListed are the commands that show what can be named.
func appsListed(s *session.Session) string {
	return "fal apps list" + environmentFlag(s)
}

func revisionsListed(s *session.Session, app string) string {
	return "fal apps list-rev " + appWords(s, app)
}

// appWords are an app as a command line takes it, whatever FAL_ENV says there.
func appWords(s *session.Session, app string) string {
	return cli.Quote(app) + environmentFlag(s)
}

func environmentFlag(s *session.Session) string {
	if environment := s.Config.Environment.Value; environment != "" {
		return " --env " + cli.Quote(environment)
	}
	return ""
}

// printRecord says in lines what became of one thing, or prints its record when
// that was asked for. It does so, too, when the time is up or Ctrl-C was
// pressed.
func printRecord[T any](ctx context.Context, inv *cli.Invocation, record T, lines ...string) error {
	return output.Object(context.WithoutCancel(ctx), inv.Printer, record, func(w io.Writer) error {
		for _, line := range lines {
			if _, err := fmt.Fprintln(w, iostreams.SanitizeLine(line)); err != nil {
				return err
			}
		}
		return nil
	})
}

// conclude waits for the end of what an action began, if r is not nil, and says
// what became of it: begun as long as it goes on, and done, with the runners,
// once it is over.
func (d dependencies) conclude(ctx context.Context, inv *cli.Invocation, s *session.Session, a view.AppAction, r *rollout, begun, done string) error {
	inv.Did("%s", begun)
	if r == nil {
		return printRecord(ctx, inv, a, begun)
	}
	far, err := d.awaitRollout(ctx, inv, s, *r)
	a.Runners = &far
	sentence := begun
	if err == nil {
		a.Result, sentence = "done", done+"; "+far.Summary("replaced")
	}
	return outcome.Joined(err, printRecord(ctx, inv, a, sentence))
}

// callEach makes n calls, some at a time and each bounded as a request is, and
// keeps their errors.
func callEach(ctx context.Context, inv *cli.Invocation, n int, call func(ctx context.Context, i int) error) []error {
	failures := make([]error, n)
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for i := range n {
		group.Go(func() error {
			ctx, cancel := inv.RequestContext(ctx)
			defer cancel()
			failures[i] = call(ctx, i)
			return nil
		})
	}
	_ = group.Wait() // failures are kept one by one
	return failures
}
