package runnerlog

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// followRunner shows the lines of one runner until it has ended.
func (l *logs) followRunner(ctx context.Context, id string, life fal.RunnerLife, params fal.RunnersLogsParams) error {
	text := l.text(false)
	stream := output.NewStream(l.inv.Printer, view.Logs(), text.Line)
	follow := l.followParams(params)
	follow.Notice = func(n fal.FollowNotice) { l.away("", n) }
	if l.lines.n >= 0 {
		last, newest, err := l.tail(ctx, id, params)
		if err != nil {
			return err
		}
		for _, line := range last {
			if err := stream.Write(ctx, line); err != nil {
				return err
			}
		}
		follow.After = newest
	}
	for line, err := range l.session.Client.Runners.Follow(ctx, id, follow) {
		if err != nil {
			return l.session.Error(err)
		}
		if v := view.NewLogLine(id, line); l.keep(v) {
			if err := stream.Write(ctx, v); err != nil {
				return err
			}
		}
	}
	ended, err := l.state(ctx, id, life)
	switch {
	case err != nil && follow.Until.IsZero(): // the follow has told that it ended
		l.dim("%s ended; how is not known: %s", id, err)
	case err != nil:
		return err
	case ended != "":
		l.dim("%s ended: %s", id, ended)
	default:
		l.dim("--until has come, and %s goes on", id)
	}
	return nil
}

func (l *logs) followParams(params fal.RunnersLogsParams) *fal.RunnersFollowParams {
	return &fal.RunnersFollowParams{
		Since: params.Since, Until: params.Until, Search: params.Search,
		NoReconnect: l.noReconnect, Patience: l.patience(),
	}
}

// state is how a runner ended, and empty if it has not.
func (l *logs) state(ctx context.Context, id string, life fal.RunnerLife) (string, error) {
	if life.EndedAt.IsZero() {
		var err error
		if life, err = l.life(ctx, id); err != nil || life.EndedAt.IsZero() {
			return "", err
		}
	}
	rows, err := runnerlist.Collect(ctx, l.inv, l.session, &fal.RunnersListParams{Since: l.now().Add(-runnerlist.Kept)}, nil)
	for _, r := range rows {
		if r.RunnerID == id {
			return r.State, nil
		}
	}
	if err != nil {
		l.dim("how %s ended is not known: %s", view.ShortRunnerID(id), err)
	}
	return fal.RunnerTerminated.String(), nil
}

// away says that a follow is or was without its connection.
func (l *logs) away(runner string, n fal.FollowNotice) {
	if runner != "" {
		runner += ": "
	}
	away := n.Away.Round(time.Millisecond)
	switch {
	case n.Back:
		l.dim("%sback after %s away, at the line where it was lost", runner, away)
	case n.Err != nil:
		l.dim("%saway for %s, trying on: %s", runner, away, n.Err)
	default:
		l.dim("%saway for %s, trying on", runner, away)
	}
}
