package runnerlog

import (
	"container/heap"
	"context"
	"errors"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// app shows the logs of an app's runners as one.
func (l *logs) app(ctx context.Context, app App) error {
	rows, err := l.ofApp(ctx, app, true)
	if err != nil {
		return err
	}
	if l.follow {
		return newAppFollow(l, app).run(ctx, rows)
	}
	if len(rows) == 0 {
		return &cli.Error{Exit: cli.ExitNotFound, Code: "not_found", Message: "no runners of app " + app.Name, Hint: []string{app.Hint}}
	}
	return l.print(ctx, l.appHistory(ctx, rows, l.appWindow(), nil), l.text(true))
}

// ofApp lists an app's runners; with ended, also those that may have written
// in the window.
func (l *logs) ofApp(ctx context.Context, app App, ended bool) ([]view.Runner, error) {
	params := &fal.RunnersListParams{}
	if ended {
		params.Since = l.began.Add(-runnerlist.Kept)
		since := l.since
		if since.IsZero() && l.follow && l.lines.n < 0 {
			since = l.began.Add(-followBack)
		}
		if since.After(params.Since) {
			params.Since = since
		}
	}
	return runnerlist.Collect(ctx, l.inv, l.session, params, []string{app.Alias})
}

// appWindow is the window of each of an app's runners; a zero Since is the
// runner's own start.
func (l *logs) appWindow() fal.RunnersLogsParams {
	p := fal.RunnersLogsParams{Since: l.since, Until: l.until, Search: l.search, Patience: l.patience()}
	if p.Since.IsZero() && l.follow && l.lines.n < 0 {
		p.Since = l.began.Add(-followBack)
		if !p.Until.IsZero() && p.Since.After(p.Until) {
			p.Since = p.Until
		}
	}
	return p
}

// parallelCalls bounds the logs that are read at once.
const parallelCalls = 8

// heldLines bounds the lines in memory while logs are merged.
const heldLines = 8 * logPage

// appHistory merges the logs of runners.
func (l *logs) appHistory(ctx context.Context, rows []view.Runner, params fal.RunnersLogsParams, note func(string, fal.LogLine)) iter.Seq2[view.LogLine, error] {
	if l.lines.n >= 0 && !l.lines.oldest {
		return func(yield func(view.LogLine, error) bool) {
			last, _, err := l.appTail(ctx, rows, params)
			for i := 0; i < len(last) && err == nil; i++ {
				if !yield(last[i], nil) {
					return
				}
			}
			if err != nil {
				yield(view.LogLine{}, err)
			}
		}
	}
	params.PageSize = min(max(heldLines/max(len(rows), 1)/8, 50), logPage)
	var each []iter.Seq2[view.LogLine, error]
	for _, r := range rows {
		each = append(each, l.known(l.history(ctx, r.RunnerID, params, note)))
	}
	return func(yield func(view.LogLine, error) bool) {
		left := l.lines.n
		for line, err := range merge(each) {
			if left == 0 || !yield(line, err) || err != nil {
				return
			}
			left--
		}
	}
}

// known leaves out a runner whose log is not there: it has not started yet, or
// was forgotten since it was listed.
func (l *logs) known(lines iter.Seq2[view.LogLine, error]) iter.Seq2[view.LogLine, error] {
	return func(yield func(view.LogLine, error) bool) {
		for line, err := range lines {
			if errors.Is(err, fal.ErrNotFound) || !yield(line, err) {
				return
			}
		}
	}
}

// appTail gets the newest lines of all runners together, and the newest of
// each.
func (l *logs) appTail(ctx context.Context, rows []view.Runner, params fal.RunnersLogsParams) ([]view.LogLine, map[string][]fal.LogLine, error) {
	lasts, newests := make([][]view.LogLine, len(rows)), make([][]fal.LogLine, len(rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelCalls)
	for i, r := range rows {
		group.Go(func() (err error) {
			lasts[i], newests[i], err = l.tail(ctx, r.RunnerID, params)
			if errors.Is(err, fal.ErrNotFound) {
				err = nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	newest := make(map[string][]fal.LogLine, len(rows))
	for i, r := range rows {
		newest[r.RunnerID] = newests[i]
	}
	all := slices.Concat(lasts...)
	slices.SortStableFunc(all, view.LogLine.CompareTime)
	return all[max(len(all)-l.lines.n, 0):], newest, nil
}

// merge puts sequences, each in the order of time, together in that order.
func merge(each []iter.Seq2[view.LogLine, error]) iter.Seq2[view.LogLine, error] {
	return func(yield func(view.LogLine, error) bool) {
		var heads logHeap
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for i, lines := range each {
			next, stop := iter.Pull2(lines)
			h := &logHead{order: i, next: next, stop: stop}
			if h.advance() {
				heads = append(heads, h)
			}
		}
		heap.Init(&heads)
		for len(heads) > 0 {
			h := heads[0]
			if !yield(h.line, h.err) || h.err != nil {
				return
			}
			if h.advance() {
				heap.Fix(&heads, 0)
			} else {
				heap.Pop(&heads)
			}
		}
	}
}

// logHead is the next line of one of the merged sequences.
type logHead struct {
	line  view.LogLine
	err   error
	order int
	next  func() (view.LogLine, error, bool)
	stop  func()
}

// advance goes to the next line; at the end it answers false.
func (h *logHead) advance() bool {
	var ok bool
	if h.line, h.err, ok = h.next(); !ok {
		h.stop()
	}
	return ok
}

type logHeap []*logHead

func (h logHeap) Len() int      { return len(h) }
func (h logHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h logHeap) Less(i, j int) bool {
	if c := h[i].line.CompareTime(h[j].line); c != 0 {
		return c < 0 // an error has no time, and so comes first
	}
	return h[i].order < h[j].order
}
func (h *logHeap) Push(x any) { *h = append(*h, x.(*logHead)) }
func (h *logHeap) Pop() any {
	last := len(*h) - 1
	head := (*h)[last]
	*h = (*h)[:last]
	return head
}
