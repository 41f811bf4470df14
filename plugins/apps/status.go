package apps

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type statusOptions struct {
	dependencies

	app    string
	wait   bool
	failed failures
}

func newStatus(d dependencies) *cli.Command {
	o := &statusOptions{dependencies: d, failed: failures{}}
	return &cli.Command{
		Name:    "status",
		Summary: "Show how far the rollout of an app is",
		Description: "Shows whether a rollout is under way, and the runners by revision and state. A rollout is under way as long as runners are to be replaced, and as none of the app's revision serves though min_concurrency is above 0; it is settled when neither is so, and has failed when runners of the app's revision crash and none of it serves: then the exit code is 1.\n\n" +
			"The service does not say whether a runner that starts has crashed before. Where no runner serves and some start, a second or two of further looks tells those apart that crash at once; for others --wait, or another look, does.\n\n" +
			"With --wait the status is shown when the rollout has ended and the app's revision serves: when one runner of it is up, where min concurrency wants some or some start. When they crash, that is shown, and the exit code is 1. --timeout bounds the waiting; when it is up before that, the exit code is 1 too. A service that is away for a while is asked again.",
		Args:        []cli.Arg{d.appArg(&o.app)},
		Output:      cli.Records,
		Single:      true,
		JSON:        view.AppStatus{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "wait", Value: cli.Bool(&o.wait), Usage: "wait until no rollout is under way and the revision serves; --timeout bounds it"},
		},
		Examples: []cli.Example{
			{Comment: "go on when the new revision serves", Line: "fal apps status checkout --wait --timeout 10m && echo deployed"},
			{Comment: "one word", Line: "fal apps status checkout --jq .status"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runStatus(ctx, inv, o) },
	}
}

// lookAgain is how many more looks are taken at an app whose runners all start,
// at intervals of half of poll: the first wait of a runner that crashes is a
// second, and between two tries it starts like any other.
const lookAgain = 4

func runStatus(ctx context.Context, inv *cli.Invocation, o *statusOptions) error {
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	seen, err := o.look(ctx, inv, s)
	if err != nil {
		return err
	}
	if !o.wait {
		if seen, err = o.decided(ctx, inv, s, seen); err != nil {
			return err
		}
	}
	if !o.wait || seen.status.Status == view.StatusFailed {
		return o.print(ctx, inv, s, seen)
	}
	_, waitErr := o.awaitRollout(ctx, inv, s, rollout{app: o.app, failed: o.failed})
	if ctx.Err() != nil {
		return waitErr // there is no time left to look once more
	}
	if seen, err = o.look(ctx, inv, s); err != nil {
		return outcome.Joined(waitErr, err)
	}
	if waitErr != nil {
		return outcome.Joined(waitErr, seen.status.Print(ctx, inv.Printer))
	}
	return o.print(ctx, inv, s, seen)
}

// seenApp is an app at one look.
type seenApp struct {
	app     fal.AppInfo
	runners []fal.Runner
	status  view.AppStatus
}

func (o *statusOptions) look(ctx context.Context, inv *cli.Invocation, s *session.Session) (seenApp, error) {
	var seen seenApp
	apps, err := list(ctx, inv, s)
	if err != nil {
		return seen, err
	}
	if seen.app, err = find(s, apps, o.app); err != nil {
		return seen, err
	}
	if seen.runners, err = appRunners(ctx, inv, s, o.app); err != nil {
		return seen, err
	}
	o.failed.take(seen.runners)
	seen.status = view.NewAppStatus(seen.app, seen.runners)
	return seen, nil
}

// decided looks again as long as the runners of an app could be starting for
// the first time as well as after a crash, and no longer than a moment.
func (o *statusOptions) decided(ctx context.Context, inv *cli.Invocation, s *session.Session, seen seenApp) (seenApp, error) {
	interval := o.poll / 2
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*lookAgain*interval {
		return seen, nil
	}
	for i := 0; i < lookAgain && seen.status.Starting(); i++ {
		timer := time.NewTimer(interval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return seen, ctx.Err()
		}
		again, err := o.look(ctx, inv, s)
		if err != nil {
			return seen, err
		}
		seen = again
	}
	return seen, nil
}

// print shows a status, and is an error for one that is a failure.
func (o *statusOptions) print(ctx context.Context, inv *cli.Invocation, s *session.Session, seen seenApp) error {
	err := seen.status.Print(ctx, inv.Printer)
	if err != nil || seen.status.Status != view.StatusFailed {
		return err
	}
	return (&cli.Error{Code: codeCrashed, Message: "app " + shownName(s, o.app) + ": runners of revision " + seen.app.Revision + " crash"}).
		WithHint(remedies(ctx, inv, s, rollout{app: o.app, failed: o.failed}, seen.app, seen.runners)...)
}
