package runnerlog

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/view"
	"github.com/fal-plugins/fal/plugins/internal/watch"
)

const (
	// openStreams bounds the runners of an app that are followed at once.
	openStreams = 64
	// gather is how long lines of several runners are held to be put into the
	// order of time, and gatherLines how many.
	gather      = 200 * time.Millisecond
	gatherLines = 4096
	// joinLeeway is for a clock that differs from the service's.
	joinLeeway = 10 * time.Second
	// remembered is how many lines of a runner's past its follow is told of.
	remembered = 256
)

// appFollow follows the runners of an app. Its loop alone prints; followers
// send it what they have.
type appFollow struct {
	*logs
	app    App
	window fal.RunnersLogsParams
	stream *output.Stream[view.LogLine]
	news   chan news

	following map[string]context.CancelFunc
	over      map[string]bool // runners that are not followed again
	met       map[string]bool // runners whose coming was told
	// newest are the last lines printed of runners that are not followed yet.
	newest  map[string][]fal.LogLine
	held    []view.LogLine
	waiting int // runners beyond openStreams, as last told
	deaf    bool
}

// news is what a follower sends: one of the fields beside the runner.
type news struct {
	runner string
	line   *view.LogLine
	notice *fal.FollowNotice
	ended  bool
	err    error
}

func newAppFollow(l *logs, app App) *appFollow {
	return &appFollow{
		logs: l, app: app, window: l.appWindow(),
		stream:    output.NewStream(l.inv.Printer, view.Logs(), l.text(true).Line),
		news:      make(chan news, 256),
		following: make(map[string]context.CancelFunc),
		over:      make(map[string]bool),
		met:       make(map[string]bool),
	}
}

func (a *appFollow) run(ctx context.Context, rows []view.Runner) error {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	defer func() {
		cancel()
		_ = group.Wait() // followers send their errors as news
	}()
	newest, err := a.past(ctx, rows)
	if err != nil {
		return err
	}
	alive := 0
	for _, r := range rows {
		a.met[r.RunnerID] = true
		if runnerlist.Ended(r.State) {
			a.over[r.RunnerID] = true
		} else {
			alive++
		}
	}
	if alive == 0 {
		a.dim("%s has no runners now", a.app.Name)
	}
	a.newest = newest
	a.join(ctx, group, rows)

	look := time.NewTicker(2 * a.poll)
	defer look.Stop()
	listed := make(chan listing)
	looking := false
	flush := time.NewTimer(gather)
	flush.Stop()
	defer flush.Stop()
	for {
		if until := a.window.Until; !until.IsZero() && len(a.following) == 0 && len(a.held) == 0 && time.Now().After(until) {
			return nil
		}
		select {
		case <-ctx.Done():
			a.drain()
			return errors.Join(a.print(context.WithoutCancel(ctx)), ctx.Err())
		case n := <-a.news:
			if n.line != nil {
				if len(a.held) == 0 {
					flush.Reset(gather)
				}
				if a.held = append(a.held, *n.line); len(a.held) < gatherLines {
					continue
				}
			}
			if err := a.print(ctx); err != nil {
				return err
			}
			if err := a.take(ctx, n); err != nil {
				return err
			}
		case <-flush.C:
			if err := a.print(ctx); err != nil {
				return err
			}
		case <-look.C:
			if looking {
				continue
			}
			looking = true
			group.Go(func() error {
				rows, err := a.ofApp(ctx, a.app, false)
				select {
				case listed <- listing{rows, err}:
				case <-ctx.Done():
				}
				return nil
			})
		case l := <-listed:
			looking = false
			if err := a.found(ctx, group, l); err != nil {
				return err
			}
		}
	}
}

// drain takes the lines that have come and are not held yet.
func (a *appFollow) drain() {
	for {
		select {
		case n := <-a.news:
			if n.line != nil {
				a.held = append(a.held, *n.line)
			}
		default:
			return
		}
	}
}

// listing is an answer to the question which runners there are now.
type listing struct {
	rows []view.Runner
	err  error
}

// past prints what was written before the follow, and returns the newest lines
// of each runner.
func (a *appFollow) past(ctx context.Context, rows []view.Runner) (map[string][]fal.LogLine, error) {
	if a.lines.n >= 0 {
		last, newest, err := a.appTail(ctx, rows, a.window)
		for i := 0; i < len(last) && err == nil; i++ {
			err = a.stream.Write(ctx, last[i])
		}
		return newest, err
	}
	newest := make(map[string][]fal.LogLine)
	note := func(id string, line fal.LogLine) {
		lines := append(newest[id], line)
		if len(lines) > 2*remembered {
			lines = slices.Clone(lines[len(lines)-remembered:])
		}
		newest[id] = lines
	}
	for line, err := range a.appHistory(ctx, rows, a.window, note) {
		if err == nil {
			err = a.stream.Write(ctx, line)
		}
		if err != nil {
			return nil, err
		}
	}
	return newest, nil
}

// join starts to follow those of the runners that are alive and new. One that
// was there from the start may have waited for its turn: what it had written is
// printed already.
func (a *appFollow) join(ctx context.Context, group *errgroup.Group, rows []view.Runner) {
	waiting := 0
	for _, r := range rows {
		id := r.RunnerID
		if a.over[id] || a.following[id] != nil || runnerlist.Ended(r.State) {
			continue
		}
		if len(a.following) >= openStreams {
			waiting++
			continue
		}
		params := a.followParams(a.window)
		known := a.met[id]
		if !known {
			a.met[id] = true
			a.dim("%s joined", view.ShortRunnerID(id))
		}
		switch {
		case known && len(a.newest[id]) == 0 && a.lines.n >= 0 && a.began.After(params.Since):
			params.Since = a.began
		case !known:
			born := a.began.Add(-runnerlist.Kept)
			if r.UptimeSeconds > 0 {
				born = time.Now().Add(-time.Duration(r.UptimeSeconds)*time.Second - joinLeeway)
			}
			if born.After(params.Since) {
				params.Since = born
			}
		}
		params.After = a.newest[id]
		delete(a.newest, id)
		ctx, cancel := context.WithCancel(ctx)
		a.following[id] = cancel
		group.Go(func() error {
			a.follow(ctx, id, params)
			return nil
		})
	}
	if waiting != a.waiting && waiting > 0 {
		a.dim("%s more: %d are followed at once", view.Count(waiting, "runner"), openStreams)
	}
	a.waiting = waiting
}

// follow sends what a runner writes.
func (a *appFollow) follow(ctx context.Context, id string, params *fal.RunnersFollowParams) {
	send := func(n news) bool {
		n.runner = id
		select {
		case a.news <- n:
			return true
		case <-ctx.Done():
			return false
		}
	}
	params.Notice = func(n fal.FollowNotice) { send(news{notice: &n}) }
	for line, err := range a.session.Client.Runners.Follow(ctx, id, params) {
		if err != nil {
			send(news{err: err})
			return
		}
		if v := view.NewLogLine(id, line); a.keep(v) && !send(news{line: &v}) {
			return
		}
	}
	send(news{ended: true})
}

// take acts on news that are no lines.
func (a *appFollow) take(ctx context.Context, n news) error {
	switch {
	case n.notice != nil:
		a.away(view.ShortRunnerID(n.runner), *n.notice)
	case n.ended:
		a.leave(n.runner)
		a.over[n.runner] = true
		state, err := a.state(ctx, n.runner, fal.RunnerLife{})
		switch {
		case err != nil:
			a.dim("%s ended", view.ShortRunnerID(n.runner))
		case state != "":
			a.dim("%s ended: %s", view.ShortRunnerID(n.runner), state)
		}
	case errors.Is(n.err, fal.ErrNotFound):
		a.leave(n.runner) // not started yet: the next look may find it
	case n.err != nil:
		return a.session.Error(n.err)
	}
	return nil
}

func (a *appFollow) leave(runner string) {
	if cancel := a.following[runner]; cancel != nil {
		cancel()
		delete(a.following, runner)
	}
}

// found acts on a look at the runners that there are.
func (a *appFollow) found(ctx context.Context, group *errgroup.Group, l listing) error {
	if l.err != nil {
		if watch.Refused(l.err) || a.noReconnect {
			return l.err
		}
		if ctx.Err() != nil {
			return nil // which is told where the lines that are left are printed
		}
		if !a.deaf {
			a.dim("new runners are not seen for now: %s", l.err)
		}
		a.deaf = true
		return nil
	}
	a.deaf = false
	a.join(ctx, group, l.rows)
	return nil
}

// print writes the lines that are held, in the order of time.
func (a *appFollow) print(ctx context.Context) error {
	slices.SortStableFunc(a.held, view.LogLine.CompareTime)
	for _, line := range a.held {
		if err := a.stream.Write(ctx, line); err != nil {
			return err
		}
	}
	a.held = a.held[:0]
	return nil
}
