package fal

import (
	"context"
	"iter"
	"slices"
	"time"
)

// Bounds of the windows in which a log is read forwards.
const (
	windowPages   = 8        // the most pages that a window may have
	windowAim     = 6        // how many it should have
	windowBytes   = 16 << 20 // the most text that it may have, beyond one page
	windowGrowth  = 8        // how much wider than the last one it may be
	windowLeast   = time.Millisecond
	windowOverlap = time.Millisecond
)

// unknownStart is how far Logs goes back when a runner's start is not known;
// the service keeps the records of ended runners for a day.
const unknownStart = 24 * time.Hour

// clockLeeway is by how much the service's clock may be ahead of ours before
// its newest lines are missed.
const clockLeeway = time.Minute

// Logs goes through a runner's log, the oldest line first. Memory does not grow
// with the log.
//
// The service has pages that go back in time only, so the log is read in
// windows of time, each short enough to be held and sorted: at most eight pages
// of PageSize lines. A log that fits into one is read with one request for each
// page; a longer one costs about a tenth more requests than it has pages, and a
// few for each long silence in it. Stopping early saves the rest. Lines that the
// service takes in late, behind others that were read already, are not seen.
func (s *RunnersService) Logs(ctx context.Context, id string, params *RunnersLogsParams) iter.Seq2[LogLine, error] {
	if params == nil {
		params = &RunnersLogsParams{}
	}
	return func(yield func(LogLine, error) bool) {
		p := *params
		if p.Since.IsZero() {
			short, cancel := bounded(ctx, p.Patience)
			life, err := s.Life(short, id)
			cancel()
			if err != nil {
				yield(LogLine{}, err)
				return
			}
			if p.Since = life.StartedAt; p.Since.IsZero() {
				p.Since = time.Now().Add(-unknownStart)
			}
		}
		if !p.Until.IsZero() && !p.Since.Before(p.Until) {
			return
		}
		if err := s.readWindows(ctx, id, p, func(line LogLine) bool { return yield(line, nil) }); err != nil {
			yield(LogLine{}, err)
		}
	}
}

// readWindows reads from p.Since, which is set, until give answers false.
func (s *RunnersService) readWindows(ctx context.Context, id string, p RunnersLogsParams, give func(LogLine) bool) error {
	end := p.Until
	if end.IsZero() {
		end = time.Now().Add(clockLeeway)
	}
	var order pageOrder
	width := max(end.Sub(p.Since), windowLeast)
	var given map[lineKey]int // the lines that the next window may repeat
	for from := p.Since; ; {
		w := window{from: from, since: from, to: from.Add(width)}
		if given != nil {
			w.since = from.Add(-windowOverlap)
		}
		last := !w.to.Before(end)
		if last {
			w.to = end
		}
		whole, err := s.fill(ctx, id, p, &w, &order)
		if err != nil {
			return err
		}
		if !whole {
			width = w.width
			continue
		}
		next := make(map[lineKey]int)
		for _, line := range w.lines {
			key := line.key()
			if !line.Time.Before(w.to.Add(-windowOverlap)) {
				next[key]++
			}
			if given[key] > 0 {
				given[key]--
				continue
			}
			if !line.Time.IsZero() && line.Time.Before(w.since) {
				continue
			}
			if !give(line) {
				return nil
			}
		}
		if last {
			return nil
		}
		from, given, width = w.to, next, w.width
	}
}

// A window is a part of a log that is held in memory.
type window struct {
	from, to time.Time
	since    time.Time // what is asked for: from, or a little before it
	lines    []LogLine
	width    time.Duration // what the next window should have
}

// fill reads a window, and reports false if it holds too much.
func (s *RunnersService) fill(ctx context.Context, id string, p RunnersLogsParams, w *window, order *pageOrder) (whole bool, err error) {
	span := w.to.Sub(w.from)
	most := windowPages * p.pageSize()
	p.Since, p.Until = w.since, w.to
	var pages [][]LogLine
	lines, size := 0, 0
	for page, err := range s.logPages(ctx, id, &p, order) {
		if err != nil {
			return false, err
		}
		pages = append(pages, page)
		lines += len(page)
		for i := range page {
			size += len(page[i].JSON) + len(page[i].Message)
		}
		if span <= windowLeast { // cannot be made any shorter
			continue
		}
		// The newest lines came first and tell how dense they are.
		covered := max(w.to.Sub(page[0].Time), 1)
		expected := float64(lines) * float64(span) / float64(covered)
		if lines > most || expected > 2*float64(most) && len(pages) > 1 || size > windowBytes && len(pages) > 1 {
			aim := float64(windowAim * p.pageSize())
			if size > windowBytes {
				aim = float64(lines) / 2
			}
			w.width = max(min(time.Duration(float64(covered)*aim/float64(lines)), span/2), windowLeast)
			return false, nil
		}
	}
	w.lines = make([]LogLine, 0, lines)
	for i := len(pages) - 1; i >= 0; i-- {
		w.lines = append(w.lines, pages[i]...)
	}
	slices.SortStableFunc(w.lines, byTime)
	growth := float64(windowGrowth)
	if lines > 0 {
		growth = min(growth, float64(windowAim*p.pageSize())/float64(lines))
	}
	w.width = max(time.Duration(min(float64(span)*growth, float64(1<<62))), windowLeast)
	return true, nil
}
