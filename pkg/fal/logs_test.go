package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

const logRunner = "a0000000-0000-0000-0000-000000000001"

func logStart() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC) }

// dialects are those that a client must do with.
func dialects() map[string]faltest.Dialect {
	return map[string]faltest.Dialect{
		"as the control plane":     {EventIDs: true},
		"no event ids":             {},
		"until included":           {UntilIncluded: true},
		"since excluded":           {SinceExcluded: true, EventIDs: true},
		"both the other way round": {SinceExcluded: true, UntilIncluded: true},
		"pages oldest first":       {OldestFirst: true},
	}
}

func TestLogRequestsOfTheOfficialClient(t *testing.T) {
	data, err := os.ReadFile("testdata/logs.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Argv          []string
		Method        string
		Authorization string
		Query         map[string]string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 5 {
		t.Fatalf("%d cases", len(cases))
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i, c.Argv[2:]), func(t *testing.T) {
			server := faltest.New(t)
			server.AddLog(logRunner, logStart(), faltest.Dialect{})
			ctx, client := newClient(t, server.Options())
			moment := func(name string) (at time.Time) {
				if text := c.Query[name]; text != "" {
					if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
						t.Fatal(err)
					}
				}
				return at
			}
			switch c.Method {
			case "GET /runners/" + logRunner:
				_, err = client.Runners.Life(ctx, logRunner)
			case "POST /logs/history":
				for _, pageErr := range client.Runners.LogPages(ctx, c.Query["job_id"], &fal.RunnersLogsParams{Since: moment("since"), Until: moment("until"), Search: c.Query["search"]}) {
					err = pageErr
				}
			case "POST /logs/stream":
				for _, lineErr := range client.Runners.Follow(ctx, c.Query["job_id"], &fal.RunnersFollowParams{Since: moment("since"), Until: moment("until"), Search: c.Query["search"]}) {
					err = lineErr
				}
			default:
				t.Fatalf("no test for %s", c.Method)
			}
			if err != nil {
				t.Fatal(err)
			}
			calls := server.Calls(c.Method)
			if len(calls) == 0 {
				t.Fatalf("%s was not called: %+v", c.Method, server.Calls())
			}
			got := map[string]string{}
			for name := range calls[0].Query {
				got[name] = calls[0].Query.Get(name)
			}
			if diff := cmp.Diff(c.Query, got); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
			if calls[0].Get("authorization") != c.Authorization || len(calls[0].Body) > 0 {
				t.Errorf("authorization %q, body %q", calls[0].Get("authorization"), calls[0].Body)
			}
			if c.Method == "POST /logs/stream" && calls[0].Get("accept") != "text/event-stream" {
				t.Errorf("accept %q", calls[0].Get("accept"))
			}
		})
	}
}

func TestLogRequestsOutOfRange(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for name, c := range map[string]struct {
		id     string
		params fal.RunnersLogsParams
	}{
		"no id":           {},
		"a folder":        {id: ".."},
		"negative page":   {id: "a", params: fal.RunnersLogsParams{PageSize: -1}},
		"page too large":  {id: "a", params: fal.RunnersLogsParams{PageSize: 1001}},
		"year 10000":      {id: "a", params: fal.RunnersLogsParams{Since: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"before the year": {id: "a", params: fal.RunnersLogsParams{Until: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		for _, err := range client.Runners.LogPages(ctx, c.id, &c.params) {
			if !errors.Is(err, fal.ErrInvalidArgument) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := client.Runners.Life(ctx, ""); !errors.Is(err, fal.ErrInvalidArgument) {
		t.Errorf("life: %v", err)
	}
	if calls := server.Calls(); len(calls) != 0 {
		t.Errorf("requests %+v", calls)
	}
}

func TestLife(t *testing.T) {
	server := faltest.New(t)
	log := server.AddLog("a/b", logStart(), faltest.Dialect{})
	ctx, client := newClient(t, server.Options())
	if got, err := client.Runners.Life(ctx, "a/b"); err != nil || !got.StartedAt.Equal(logStart()) || !got.EndedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	log.End(logStart().Add(time.Hour))
	if got, err := client.Runners.Life(ctx, "a/b"); err != nil || got.EndedAt.Sub(got.StartedAt) != time.Hour {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := client.Runners.Life(ctx, "other"); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// numbered writes n lines in bursts and with silences, several at each moment,
// some of which are equal. It returns them and the time behind the last.
func numbered(log *faltest.Log, start time.Time, n int) (want []string, end time.Time) {
	at := start
	for i := range n {
		switch {
		case i%1000 == 999:
			at = at.Add(3 * time.Hour)
		case i%100 == 99:
			at = at.Add(time.Minute)
		case i%3 == 0:
			at = at.Add(time.Duration(i%7) * 100 * time.Microsecond)
		}
		text := strconv.Itoa(i)
		if i%50 < 2 {
			text = "same"
		}
		log.Write(at, "INFO", text)
		want = append(want, text)
	}
	return want, at.Add(time.Second)
}

func messages(t *testing.T, client *fal.Client, ctx context.Context, params *fal.RunnersLogsParams) []string {
	t.Helper()
	var got []string
	last := time.Time{}
	for line, err := range client.Runners.Logs(ctx, logRunner, params) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Time.Before(last) {
			t.Fatalf("%s came after %s", line.Time, last)
		}
		last = line.Time
		got = append(got, line.Message)
	}
	return got
}

func TestLogsAreWholeAndInOrder(t *testing.T) {
	for name, dialect := range dialects() {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			log := server.AddLog(logRunner, logStart().Add(-time.Second), dialect)
			want, end := numbered(log, logStart(), 5000)
			ctx, client := newClient(t, server.Options())
			for _, params := range []fal.RunnersLogsParams{{PageSize: 50}, {PageSize: 50, Until: end}, {}} {
				if got := messages(t, client, ctx, &params); !slices.Equal(got, want) {
					t.Errorf("%+v: %d lines, want %d: %s", params, len(got), len(want), cmp.Diff(want, got))
				}
			}
			// Backwards, page by page.
			var got []string
			for page, err := range client.Runners.LogPages(ctx, logRunner, &fal.RunnersLogsParams{PageSize: 70}) {
				if err != nil {
					t.Fatal(err)
				}
				var texts []string
				for _, line := range page {
					texts = append(texts, line.Message)
				}
				got = slices.Concat(texts, got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages: %s", cmp.Diff(want, got))
			}
		})
	}
}

func TestLogsOfAPart(t *testing.T) {
	server := faltest.New(t)
	log := server.AddLog(logRunner, logStart(), faltest.Dialect{})
	for i := range 10 {
		log.Write(logStart().Add(time.Duration(i)*time.Minute), "INFO", strconv.Itoa(i))
	}
	ctx, client := newClient(t, server.Options())
	minute := func(n int) time.Time { return logStart().Add(time.Duration(n) * time.Minute) }
	for _, c := range []struct {
		params fal.RunnersLogsParams
		want   string
	}{
		{fal.RunnersLogsParams{Since: minute(3)}, "3456789"},
		{fal.RunnersLogsParams{Since: minute(3), Until: minute(5)}, "34"},
		{fal.RunnersLogsParams{Since: minute(3).Add(time.Nanosecond), Until: minute(5).Add(time.Nanosecond)}, "45"},
		{fal.RunnersLogsParams{Since: minute(5), Until: minute(3)}, ""},
		{fal.RunnersLogsParams{Search: `"7"`}, "7"},
	} {
		if got := strings.Join(messages(t, client, ctx, &c.params), ""); got != c.want {
			t.Errorf("%+v: %q, want %q", c.params, got, c.want)
		}
	}
}

// What a history costs: one request for each page, and little more.
func TestLogsRequests(t *testing.T) {
	server := faltest.New(t)
	log := server.AddLog(logRunner, logStart(), faltest.Dialect{})
	const lines = 40000
	for i := range lines {
		log.Write(logStart().Add(time.Duration(i)*time.Second), "INFO", strconv.Itoa(i))
	}
	ctx, client := newClient(t, server.Options())
	params := &fal.RunnersLogsParams{Since: logStart(), Until: logStart().Add(lines * time.Second)}
	if got := len(messages(t, client, ctx, params)); got != lines {
		t.Errorf("%d lines", got)
	}
	if n := len(server.Calls("POST /logs/history")); n > lines/1000*5/4+5 {
		t.Errorf("%d requests for %d pages", n, lines/1000)
	}
	before := len(server.Calls())
	for line, err := range client.Runners.Logs(ctx, logRunner, &fal.RunnersLogsParams{Since: logStart(), Until: logStart().Add(lines * time.Second), PageSize: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Message == "9" {
			break
		}
	}
	if n := len(server.Calls()) - before; n > 15 {
		t.Errorf("%d requests for the oldest ten lines", n)
	}
	before = len(server.Calls())
	for page, err := range client.Runners.LogPages(ctx, logRunner, &fal.RunnersLogsParams{PageSize: 10}) {
		if err != nil || len(page) != 10 || page[9].Message != strconv.Itoa(lines-1) {
			t.Fatalf("%d lines, %v", len(page), err)
		}
		break
	}
	if n := len(server.Calls()) - before; n != 1 {
		t.Errorf("%d requests for the newest ten lines", n)
	}
}

// A history is read in memory that does not grow with it.
func TestLogsMemory(t *testing.T) {
	server := faltest.New(t)
	log := server.AddLog(logRunner, logStart(), faltest.Dialect{})
	const lines = 100_000
	padding := strings.Repeat("x", 400)
	for i := range lines {
		log.Write(logStart().Add(time.Duration(i)*time.Millisecond), "INFO", padding)
	}
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	ctx, client := newClient(t, server.Options())
	n, most := 0, uint64(0)
	for _, err := range client.Runners.Logs(ctx, logRunner, &fal.RunnersLogsParams{Since: logStart(), Until: logStart().Add(lines * time.Millisecond)}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%20000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	if grown := int64(most) - int64(before.HeapAlloc); n != lines || grown > 40<<20 {
		t.Errorf("%d lines, the heap grew by %d MiB", n, grown>>20)
	}
}

func TestLogLines(t *testing.T) {
	server := faltest.New(t)
	log := server.AddLog(logRunner, logStart(), faltest.Dialect{})
	for i, text := range []string{
		`{"timestamp": "2026-01-02T03:05:00Z", "level": "INFO", "message": "m", "labels": {"a": [1, 2.50]}}`,
		`{"timestamp": 1767323160.25, "level": 30, "message": {"a": 1}}`,
		`{"timestamp": "yesterday", "message": null}`,
	} {
		log.WriteJSON(logStart().Add(time.Duration(i)*time.Second), text)
	}
	ctx, client := newClient(t, server.Options())
	var got []fal.LogLine
	for line, err := range client.Runners.Logs(ctx, logRunner, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	slices.SortFunc(got, func(a, b fal.LogLine) int { return strings.Compare(b.Level, a.Level) })
	want := []fal.LogLine{
		{Time: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC), Level: "INFO", Message: "m", JSON: json.RawMessage(`{"timestamp":"2026-01-02T03:05:00Z","level":"INFO","message":"m","labels":{"a":[1,2.50]}}`)},
		{Time: time.Date(2026, 1, 2, 3, 6, 0, 250e6, time.UTC), Level: "30", Message: `{"a":1}`, JSON: json.RawMessage(`{"timestamp":1767323160.25,"level":30,"message":{"a":1}}`)},
		{JSON: json.RawMessage(`{"timestamp":"yesterday","message":null}`)},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(fal.LogLine{})); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestLogsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"not found":              {404, `{"detail": "no runner"}`, fal.ErrNotFound},
		"refused":                {403, `{"detail": "no"}`, fal.ErrPermissionDenied},
		"no JSON":                {200, `<html>`, fal.ErrUnavailable},
		"a line is no object":    {200, `{"items": ["text"], "next_until": null}`, fal.ErrInternal},
		"next_until is no time":  {200, `{"items": [], "next_until": "soon"}`, fal.ErrInternal},
		"pages that do not move": {200, `{"items": [], "next_until": "2026-01-02T04:00:00Z"}`, fal.ErrInternal},
	} {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			server.HandleREST("POST /logs/history", answer(c.status, c.body))
			ctx, client := newClient(t, server.Options())
			var last error
			for _, err := range client.Runners.Logs(ctx, logRunner, &fal.RunnersLogsParams{Since: logStart(), Until: logStart().Add(time.Hour)}) {
				last = err
			}
			if !errors.Is(last, c.want) {
				t.Errorf("%v, want %v", last, c.want)
			}
			if n := len(server.Calls()); n > 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A page whose connection is lost on the way is asked for again.
func TestLogsRepeatACutPage(t *testing.T) {
	server := faltest.New(t)
	cuts := 2
	server.HandleREST("POST /logs/history", func(w http.ResponseWriter, _ *http.Request) {
		whole := `{"items": [{"message": "m"}], "next_until": null}`
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		if cuts--; cuts >= 0 {
			_, _ = w.Write([]byte(whole[:20]))
			return
		}
		_, _ = w.Write([]byte(whole))
	})
	ctx, client := newClient(t, server.Options())
	got := messages(t, client, ctx, &fal.RunnersLogsParams{Since: logStart()})
	if !slices.Equal(got, []string{"m"}) || len(server.Calls()) != 3 {
		t.Errorf("%q after %d requests", got, len(server.Calls()))
	}
}

func TestLogsPatience(t *testing.T) {
	server := faltest.New(t)
	server.HandleREST("POST /logs/history", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, client := newClient(t, server.Options())
	for _, err := range client.Runners.LogPages(ctx, logRunner, &fal.RunnersLogsParams{Patience: 20 * time.Millisecond}) {
		if !errors.Is(err, fal.ErrDeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%v", err)
		}
	}
}
