package fal

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// A RunnerLife is when a runner lived. A moment that has not come is zero.
type RunnerLife struct {
	StartedAt, EndedAt time.Time
}

// Life tells when a runner started and ended. A runner that does not exist is
// [ErrNotFound].
func (s *RunnersService) Life(ctx context.Context, id string) (RunnerLife, error) {
	const method = "GET /runners"
	if err := checkRunnerID(method, id); err != nil {
		return RunnerLife{}, err
	}
	var answer struct {
		StartedAt looseText `json:"started_at"`
		EndedAt   looseText `json:"ended_at"`
	}
	if err := s.client.get(ctx, "runners/"+url.PathEscape(id), nil, &answer); err != nil {
		return RunnerLife{}, err
	}
	var life RunnerLife
	for _, moment := range []struct {
		text looseText
		to   *time.Time
	}{{answer.StartedAt, &life.StartedAt}, {answer.EndedAt, &life.EndedAt}} {
		if moment.text == "" {
			continue
		}
		t, ok := logTime(string(moment.text))
		if !ok {
			return RunnerLife{}, unreadable(method, fmt.Errorf("%q is no time", string(moment.text)))
		}
		*moment.to = t
	}
	return life, nil
}

// RunnersLogsParams select lines of a runner's log.
type RunnersLogsParams struct {
	// Since and Until bound the times of the lines: from Since on, and before
	// Until. They are sent in microseconds, Since rounded down and Until up. A
	// zero Until is no bound; a zero Since is none for [RunnersService.LogPages]
	// and the runner's start for [RunnersService.Logs].
	Since, Until time.Time
	// Search is a text that the service looks for in the messages.
	Search string
	// PageSize is the number of lines asked for at once, 1 to 1000; 0: 1000.
	PageSize int
	// Patience bounds each single request with its repetitions; 0: the context
	// alone does.
	Patience time.Duration
}

const largestLogPage = 1000

func (p *RunnersLogsParams) pageSize() int {
	if p.PageSize == 0 {
		return largestLogPage
	}
	return p.PageSize
}

// LogPages goes through a runner's log backwards: each page is older than the
// one before it, and the lines in a page are sorted, the oldest first. Pages
// are not empty. One page is held at a time, and one request is made for each.
func (s *RunnersService) LogPages(ctx context.Context, id string, params *RunnersLogsParams) iter.Seq2[[]LogLine, error] {
	if params == nil {
		params = &RunnersLogsParams{}
	}
	return s.logPages(ctx, id, params, &pageOrder{})
}

func (s *RunnersService) logPages(ctx context.Context, id string, params *RunnersLogsParams, order *pageOrder) iter.Seq2[[]LogLine, error] {
	return func(yield func([]LogLine, error) bool) {
		query, err := logHistoryQuery(id, params)
		if err != nil {
			yield(nil, err)
			return
		}
		until := params.Until
		var repeated map[lineKey]int // lines that a page may share with the one after it
		for {
			lines, next, err := s.fetchLogPage(ctx, query, params.Patience)
			order.sort(lines)
			if err != nil {
				yield(nil, err)
				return
			}
			fresh := slices.Clone(lines)
			for i := len(fresh) - 1; i >= 0 && len(repeated) > 0; i-- {
				if key := fresh[i].key(); repeated[key] > 0 {
					repeated[key]--
					fresh = slices.Delete(fresh, i, i+1)
				}
			}
			if len(fresh) > 0 && !yield(fresh, nil) {
				return
			}
			if next == "" {
				return
			}
			to, ok := logTime(next)
			switch {
			case !ok:
				yield(nil, unreadable(logHistoryMethod, fmt.Errorf("next_until is %q", next)))
				return
			case !params.Since.IsZero() && !to.After(params.Since):
				return
			case !until.IsZero() && !to.Before(until):
				yield(nil, unreadable(logHistoryMethod, fmt.Errorf("the pages do not go back in time: %s follows %s", next, query.Get(restwire.ParamUntil))))
				return
			}
			// Whether the bound itself belongs to the next page is not known.
			repeated = make(map[lineKey]int)
			for _, line := range lines {
				if !line.Time.Before(to) {
					repeated[line.key()]++
				}
			}
			until = to
			query.Set(restwire.ParamUntil, next) // as it came: it may be finer than what we would write
		}
	}
}

const logHistoryMethod = "POST /logs/history"

// logPage gets one page, sorted, and the until of the one before it.
func (s *RunnersService) logPage(ctx context.Context, query url.Values, patience time.Duration) ([]LogLine, string, error) {
	lines, next, err := s.fetchLogPage(ctx, query, patience)
	new(pageOrder).sort(lines)
	return lines, next, err
}

// fetchLogPage gets one page as it is sent.
func (s *RunnersService) fetchLogPage(ctx context.Context, query url.Values, patience time.Duration) ([]LogLine, string, error) {
	ctx, cancel := bounded(ctx, patience)
	defer cancel()
	var page struct {
		Items     []json.RawMessage `json:"items"`
		NextUntil looseText         `json:"next_until"`
	}
	if err := s.client.read(ctx, "POST", "logs/history", query, &page); err != nil {
		return nil, "", err
	}
	lines := make([]LogLine, len(page.Items))
	for i, item := range page.Items {
		line, err := decodeLogLine(item)
		if err != nil {
			return nil, "", unreadable(logHistoryMethod, err)
		}
		lines[i] = line
	}
	return lines, string(page.NextUntil), nil
}

func bounded(ctx context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	if patience <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}

func logHistoryQuery(id string, params *RunnersLogsParams) (url.Values, error) {
	if n := params.PageSize; n < 0 || n > largestLogPage {
		return nil, invalid(logHistoryMethod, "a page of %d lines cannot be asked for: want 1 to %d", n, largestLogPage)
	}
	query, err := logQuery(logHistoryMethod, id, params.Since, params.Until, params.Search)
	if err == nil {
		query.Set(restwire.ParamPageSize, strconv.Itoa(params.pageSize()))
	}
	return query, err
}

// logQuery is what the calls for logs have in common.
func logQuery(method, id string, since, until time.Time, search string) (url.Values, error) {
	if err := checkRunnerID(method, id); err != nil {
		return nil, err
	}
	query := url.Values{restwire.ParamJobID: {id}}
	if search != "" {
		query.Set(restwire.ParamSearch, search)
	}
	for _, bound := range []struct {
		name string
		at   time.Time
	}{{restwire.ParamSince, since}, {restwire.ParamUntil, roundUp(until)}} {
		if bound.at.IsZero() {
			continue
		}
		if year := bound.at.UTC().Year(); year < 1 || year > 9999 {
			return nil, invalid(method, "the time %s cannot be sent: it is not in the years 1 to 9999", bound.at)
		}
		query.Set(bound.name, isoTime(bound.at))
	}
	return query, nil
}

func checkRunnerID(method, id string) error {
	if strings.Trim(id, ".") == "" {
		return invalid(method, "%q is no id of a runner", id)
	}
	return nil
}

// roundUp is the first whole microsecond that is not before t.
func roundUp(t time.Time) time.Time {
	if down := t.Truncate(time.Microsecond); down.Before(t) {
		return down.Add(time.Microsecond)
	}
	return t
}

// isoTime writes a time, in microseconds rounded down, as the official client
// does: without a fraction if there is none.
func isoTime(t time.Time) string {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05-07:00")
	}
	return t.Format(restwire.TimeLayout)
}
