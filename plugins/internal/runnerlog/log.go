package runnerlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

const (
	// followBack is where a follow starts unless told otherwise.
	followBack = time.Minute
	// endLeeway is for a line written as the runner ended: whether the service
	// counts the end of a window to it is not known.
	endLeeway = time.Second
	// logPage is the most lines that the service gives at once.
	logPage = 1000
)

// logs is one run of the command.
type logs struct {
	*Options
	inv     *cli.Invocation
	session *session.Session
	began   time.Time
}

// patience bounds a single request; 0 when the whole command is bounded.
func (l *logs) patience() time.Duration {
	if l.inv.Timeout > 0 && !l.follow {
		return 0
	}
	return cmp.Or(l.inv.Timeout, cli.DefaultTimeout)
}

// filters reports whether lines are left out on this side.
func (l *logs) filters() bool { return l.level != "" || l.match != nil }

func (l *logs) keep(line view.LogLine) bool {
	return (l.level == "" || line.AtLeast(l.level)) && (l.match == nil || l.match.MatchString(line.Text()))
}

func (l *logs) text(runners bool) view.LogText {
	return view.LogText{Timestamps: l.timestamps, Runners: runners, Match: l.match, Paint: l.inv.Printer.Paint, Location: l.began.Location()}
}

// runner shows the log of one runner.
func (l *logs) runner(ctx context.Context, argument string) error {
	found, err := runnerlist.Find(ctx, l.inv, l.session, argument, l.began.Add(-runnerlist.Kept))
	if err != nil {
		return err
	}
	id := found.RunnerID
	life, err := l.life(ctx, id)
	if err != nil {
		return err
	}
	params := l.window(life)
	if l.follow {
		return l.followRunner(ctx, id, life, params)
	}
	return l.print(ctx, l.history(ctx, id, params, nil), l.text(false))
}

func (l *logs) life(ctx context.Context, id string) (fal.RunnerLife, error) {
	ctx, cancel := l.inv.RequestContext(ctx)
	defer cancel()
	life, err := l.session.Client.Runners.Life(ctx, id)
	if errors.Is(err, fal.ErrNotFound) {
		return life, &cli.Error{Exit: cli.ExitNotFound, Code: "not_found", Err: err, Message: fmt.Sprintf("runner %s not found", id),
			Hint: []string{"`fal runners list --since 24h` shows those that are known"}}
	}
	return life, l.session.Error(err)
}

// window is the part of the log that is wanted, within the runner's life.
func (l *logs) window(life fal.RunnerLife) fal.RunnersLogsParams {
	p := fal.RunnersLogsParams{Since: l.since, Until: l.until, Search: l.search, Patience: l.patience()}
	if p.Since.IsZero() {
		p.Since = life.StartedAt
		if l.follow && l.lines.n < 0 {
			p.Since = l.began
			if end := life.EndedAt; !end.IsZero() && end.Before(l.began) {
				p.Since = end
			}
			p.Since = p.Since.Add(-followBack)
		}
	}
	if p.Since.Before(life.StartedAt) {
		p.Since = life.StartedAt
	}
	if p.Since.IsZero() {
		p.Since = l.began.Add(-runnerlist.Kept) // it has not started, or nobody knows when
	}
	if last := life.EndedAt.Add(endLeeway); !life.EndedAt.IsZero() && (p.Until.IsZero() || p.Until.After(last)) {
		p.Until = last
	}
	if !p.Until.IsZero() && p.Since.After(p.Until) {
		p.Since = p.Until // nothing lies there, and no service is asked for less than that
	}
	return p
}

// history goes through the lines that are wanted, the oldest first. note, if
// not nil, is told of every line that was read.
func (l *logs) history(ctx context.Context, id string, params fal.RunnersLogsParams, note func(string, fal.LogLine)) iter.Seq2[view.LogLine, error] {
	return func(yield func(view.LogLine, error) bool) {
		if l.lines.n >= 0 && !l.lines.oldest {
			last, _, err := l.tail(ctx, id, params)
			for i := 0; i < len(last) && err == nil; i++ {
				if !yield(last[i], nil) {
					return
				}
			}
			if err != nil {
				yield(view.LogLine{}, err)
			}
			return
		}
		left := l.lines.n
		if left == 0 {
			return
		}
		if params.PageSize == 0 && left > 0 && !l.filters() {
			params.PageSize = min(max(left, 100), logPage)
		}
		for line, err := range l.session.Client.Runners.Logs(ctx, id, &params) {
			if err != nil {
				yield(view.LogLine{}, l.session.Error(err))
				return
			}
			if note != nil {
				note(id, line)
			}
			v := view.NewLogLine(id, line)
			if !l.keep(v) {
				continue
			}
			if left--; !yield(v, nil) || left == 0 {
				return
			}
		}
	}
}

// tail gets the newest lines that are wanted, and the newest of all that
// --search finds, without a gap: what a follow goes on behind.
func (l *logs) tail(ctx context.Context, id string, params fal.RunnersLogsParams) (last []view.LogLine, newest []fal.LogLine, err error) {
	n := l.lines.n
	if n == 0 && !l.follow {
		return nil, nil, nil
	}
	if !l.filters() {
		params.PageSize = min(max(n, 1), logPage)
	}
	var pages [][]view.LogLine
	count := 0
	for page, err := range l.session.Client.Runners.LogPages(ctx, id, &params) {
		if err != nil {
			return nil, nil, l.session.Error(err)
		}
		if newest == nil {
			newest = page
		}
		kept := make([]view.LogLine, 0, len(page))
		for _, line := range page {
			if v := view.NewLogLine(id, line); l.keep(v) {
				kept = append(kept, v)
			}
		}
		pages = append(pages, kept)
		if count += len(kept); count >= n {
			break
		}
	}
	slices.Reverse(pages)
	last = slices.Concat(pages...)
	return last[max(len(last)-n, 0):], newest, nil
}

// print shows a whole log.
func (l *logs) print(ctx context.Context, lines iter.Seq2[view.LogLine, error], text view.LogText) error {
	return output.Sequence(ctx, l.inv.Printer, view.Logs(), lines, text.Line)
}

// dim writes a notice.
func (l *logs) dim(format string, args ...any) {
	fmt.Fprintln(l.inv.IO.Err, l.inv.IO.PaintErr(iostreams.Dim, iostreams.SanitizeLine(fmt.Sprintf(format, args...))))
}
