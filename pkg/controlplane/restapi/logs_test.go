package restapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func job(r *state.Runner, more ...string) url.Values {
	query := url.Values{"job_id": {r.ID}}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return query
}

// written logs lines and returns the whole log as history says it, newest
// first.
func written(s *service, r *state.Runner, n int) []restwire.Log {
	s.t.Helper()
	for i := range n {
		s.Log(r, time.Now(), state.SourceStdout, strconv.Itoa(i))
	}
	var all []restwire.Log
	query := job(r)
	for {
		page := s.history(query)
		all = append(all, page.Items...)
		if page.NextUntil == nil {
			break
		}
		query.Set("until", *page.NextUntil)
	}
	if len(all) != n+3 {
		s.t.Fatalf("%d lines in all, want %d", len(all), n+3)
	}
	return all
}

func TestHistoryPages(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	const n = 2997 // and three of the runner's life: three pages of 1000
	all := written(s, r, n)
	for i, line := range all[:n] {
		want := restwire.Log{Timestamp: line.Timestamp, Level: "STDOUT", Message: strconv.Itoa(n - 1 - i), Source: "stdout", App: "web"}
		if line.Message != want.Message || line.Level != want.Level || line.Source != want.Source || line.App != want.App || line.Labels != nil {
			t.Fatalf("line %d is %+v, want %+v", i, line, want)
		}
	}
	for _, line := range all {
		if at, err := time.Parse(restwire.TimeLayout, line.Timestamp); err != nil || len(line.Timestamp) != len("2026-11-21T18:30:00.000000+00:00") || at.Format(restwire.TimeLayout) != line.Timestamp {
			t.Fatalf("timestamp %q: %v", line.Timestamp, err)
		}
	}
	for name, test := range map[string]struct {
		size         int
		since, until int // indices into all; -1 for none
		pages        int
	}{
		"no limits":            {0, -1, -1, 3},
		"pages of a thousand":  {1000, -1, -1, 3},
		"of one less":          {999, -1, -1, 4},
		"of seven":             {7, 99, -1, 15},
		"of one":               {1, 4, -1, 5},
		"the oldest included":  {10, 9, -1, 1},
		"the newest left out":  {10, -1, len(all) - 4, 1},
		"both":                 {10, 29, 9, 2},
		"one line":             {10, 9, 8, 1},
		"nothing":              {10, 9, 9, 1},
		"the wrong way around": {10, 5, 9, 1},
	} {
		t.Run(name, func(t *testing.T) {
			query := job(r)
			from, to := 0, len(all)
			if test.size > 0 {
				query.Set("page_size", strconv.Itoa(test.size))
			}
			if test.since >= 0 {
				query.Set("since", all[test.since].Timestamp)
				to = test.since + 1
			}
			if test.until >= 0 {
				query.Set("until", all[test.until].Timestamp)
				from = test.until + 1
			}
			want := all[min(from, to):to]
			var got []restwire.Log
			for pages := 1; ; pages++ {
				page := s.history(query)
				got = append(got, page.Items...)
				if page.NextUntil == nil {
					if pages != test.pages {
						t.Errorf("%d pages, want %d", pages, test.pages)
					}
					break
				}
				if len(page.Items) != test.size && test.size > 0 {
					t.Fatalf("a page in the middle has %d lines", len(page.Items))
				}
				query.Set("until", *page.NextUntil)
			}
			if !slices.EqualFunc(got, want, func(a, b restwire.Log) bool { return a.Timestamp == b.Timestamp && a.Message == b.Message }) {
				t.Errorf("%d lines, want %d", len(got), len(want))
			}
		})
	}
}

// TestHistoryOfARunnerThatWrites pages back while the log grows at its end.
func TestHistoryOfARunnerThatWrites(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	query := job(r, "page_size", "10")
	for i := range 100 {
		s.Log(r, time.Now(), state.SourceStdout, strconv.Itoa(i))
	}
	var got []string
	for {
		page := s.history(query)
		for _, line := range page.Items {
			got = append(got, line.Message)
		}
		if page.NextUntil == nil {
			break
		}
		s.Log(r, time.Now(), state.SourceStdout, "too late for this client")
		query.Set("until", *page.NextUntil)
	}
	for i := range 100 {
		if got[i] != strconv.Itoa(99-i) {
			t.Fatalf("line %d is %q", i, got[i])
		}
	}
	if len(got) != 103 {
		t.Errorf("%d lines, want 103", len(got))
	}
}

func TestHistoryPagesEndEarlyWhenTheyGrowLarge(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	for range 100 {
		s.Log(r, time.Now(), state.SourceStdout, strings.Repeat("x", 64<<10))
	}
	page := s.history(job(r))
	if len(page.Items) != 64 || page.NextUntil == nil || *page.NextUntil != page.Items[63].Timestamp {
		t.Fatalf("%d lines of 64 KiB, next %v", len(page.Items), page.NextUntil)
	}
	page = s.history(job(r, "until", *page.NextUntil))
	if len(page.Items) != 36+3 || page.NextUntil != nil {
		t.Errorf("then %d lines, next %v", len(page.Items), page.NextUntil)
	}
}

func TestHistorySearch(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	lines := []string{"Loading model 10%", "CUDA out of memory", "cuda ok", "<b>&amp; \"quoted\" \x1b[31mred\x1b[0m 你好"}
	for _, line := range lines {
		s.Log(r, time.Now(), state.SourceStderr, line)
	}
	for search, want := range map[string][]string{
		"cuda":    {lines[2], lines[1]},
		"CUDA o":  {lines[2], lines[1]},
		"%":       {lines[0]},
		"_":       nil,
		"+":       nil,
		"\x1b[31": {lines[3]},
		"你好":      {lines[3]},
		"&amp;":   {lines[3]},
		"ready":   {"IDLE: ready"},
		"absent":  nil,
	} {
		page := s.history(job(r, "search", search))
		var got []string
		for _, line := range page.Items {
			got = append(got, line.Message)
			if line.Source == "stderr" && line.Level != "STDERR" {
				t.Errorf("level %q of stderr", line.Level)
			}
		}
		if !slices.Equal(got, want) || page.NextUntil != nil {
			t.Errorf("search %q: %q, want %q", search, got, want)
		}
	}
	if page := s.history(job(r, "search", "cuda", "page_size", "1")); page.NextUntil == nil || page.Items[0].Message != lines[2] {
		t.Errorf("one match at a time: %+v", page)
	} else if page = s.history(job(r, "search", "cuda", "page_size", "1", "until", *page.NextUntil)); page.NextUntil != nil || page.Items[0].Message != lines[1] {
		t.Errorf("and the other: %+v", page)
	}
	if page := s.history(job(r, "search", "")); len(page.Items) != 7 {
		t.Errorf("an empty search finds %d lines", len(page.Items))
	}
}

func TestHistoryOfALife(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	ctx := t.Context()
	for i := range 3000 {
		s.Log(r, time.Now(), state.SourceStdout, strconv.Itoa(i))
	}
	s.do(s.Note(ctx, r.ID, "something"))
	s.do(s.Terminate(ctx, r.ID, "idle for 10s"))
	s.do(s.Ended(ctx, r.ID, "process exited with code 0"))
	failing := s.runner(state.AppSpec{Name: "failing"})
	var got []string
	for _, line := range s.history(job(r, "source", restwire.SourceLifecycle)).Items {
		if line.Source != restwire.SourceLifecycle || line.Level != "INFO" {
			t.Errorf("line %+v", line)
		}
		got = append(got, line.Labels[restwire.LabelEvent]+" "+line.Labels[restwire.LabelState]+" "+line.Labels[restwire.LabelReason])
	}
	want := []string{
		restwire.EventState + " TERMINATED process exited with code 0",
		restwire.EventState + " TERMINATING idle for 10s",
		restwire.EventNote + " IDLE something",
		restwire.EventState + " IDLE ready",
		restwire.EventState + " SETUP process 42 started on port 4242",
		restwire.EventState + " PENDING test",
	}
	if !slices.Equal(got, want) {
		t.Errorf("life %q, want %q", got, want)
	}

	var span restwire.RunnerSpan
	s.get(http.MethodGet, "/runners/"+r.ID, nil, &span)
	whole := s.history(job(r, "since", *span.StartedAt, "until", *span.EndedAt, "page_size", "1"))
	if len(whole.Items) != 1 || whole.Items[0].Message != "TERMINATED: process exited with code 0" {
		t.Errorf("the life span ends with %+v", whole.Items)
	}
	first := s.history(job(r, "since", *span.StartedAt, "source", restwire.SourceLifecycle))
	if last := first.Items[len(first.Items)-1]; last.Message != "PENDING: test" {
		t.Errorf("the life span begins with %+v", last)
	}
	s.get(http.MethodGet, "/runners/"+failing.ID, nil, &span)
	if span.StartedAt == nil || *span.StartedAt != failing.CreatedAt.Format(restwire.TimeLayout) {
		t.Errorf("it started at %v, want %s", span.StartedAt, failing.CreatedAt)
	}
	if span.EndedAt != nil {
		t.Errorf("a live runner ended at %v", span.EndedAt)
	}
}

func TestDroppedLinesAreTold(t *testing.T) {
	s := serve(t, state.Options{MaxLogBytes: 64 << 10}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	for i := range 5000 {
		s.Log(r, time.Now(), state.SourceStdout, fmt.Sprintf("line %d", i))
	}
	page := s.history(job(r, "source", restwire.SourceLifecycle))
	if len(page.Items) != 1 || page.Items[0].Labels[restwire.LabelEvent] != restwire.EventDropped || page.Items[0].Level != "WARNING" {
		t.Fatalf("life %+v", page.Items)
	}
	dropped, err := strconv.Atoi(page.Items[0].Labels[restwire.LabelLines])
	if err != nil || dropped == 0 {
		t.Fatalf("labels %v", page.Items[0].Labels)
	}
	messages, last := func() ([]string, event) {
		st := s.stream(job(r), nil)
		s.do(s.Ended(t.Context(), r.ID, "test"))
		return st.rest()
	}()
	if len(messages)-2+dropped != 5000+3 || !strings.Contains(messages[0], "older lines were dropped") || last.data != restwire.EndedRunner {
		t.Errorf("a follower has %d lines beside %d dropped, the first %q, the last event %+v", len(messages), dropped, messages[0], last)
	}
}

func TestInvalidParameters(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	type fault struct {
		query  url.Values
		header http.Header
		loc    []string
		kind   string
		paths  []string
	}
	both := []string{"/logs/history", "/logs/stream"}
	for name, test := range map[string]fault{
		"no job":          {url.Values{}, nil, []string{"query", "job_id"}, "missing", both},
		"empty job":       {url.Values{"job_id": {""}}, nil, []string{"query", "job_id"}, "missing", both},
		"long job":        {url.Values{"job_id": {strings.Repeat("x", 1000)}}, nil, []string{"query", "job_id"}, "value_error", both},
		"job not UTF-8":   {url.Values{"job_id": {"\xff"}}, nil, []string{"query", "job_id"}, "string_unicode", both},
		"since":           {job(r, "since", "yesterday"), nil, []string{"query", "since"}, "datetime_parsing", both},
		"since empty":     {job(r, "since", ""), nil, []string{"query", "since"}, "datetime_parsing", both},
		"since naive":     {job(r, "since", "2026-11-21T18:30:00"), nil, []string{"query", "since"}, "datetime_parsing", both},
		"until":           {job(r, "until", "2026-11-21T25:30:00Z"), nil, []string{"query", "until"}, "datetime_parsing", both},
		"plus as a space": {job(r, "until", "2026-11-21T18:30:00 00:00"), nil, []string{"query", "until"}, "datetime_parsing", both},
		"search":          {job(r, "search", "\xff"), nil, []string{"query", "search"}, "string_unicode", both},
		"size zero":       {job(r, "page_size", "0"), nil, []string{"query", "page_size"}, "greater_than_equal", both[:1]},
		"size negative":   {job(r, "page_size", "-99999999999999999999"), nil, []string{"query", "page_size"}, "greater_than_equal", both[:1]},
		"size too large":  {job(r, "page_size", "1001"), nil, []string{"query", "page_size"}, "less_than_equal", both[:1]},
		"size huge":       {job(r, "page_size", "99999999999999999999"), nil, []string{"query", "page_size"}, "less_than_equal", both[:1]},
		"size no number":  {job(r, "page_size", "ten"), nil, []string{"query", "page_size"}, "int_parsing", both[:1]},
		"size empty":      {job(r, "page_size", ""), nil, []string{"query", "page_size"}, "int_parsing", both[:1]},
		"last event":      {job(r), http.Header{"Last-Event-Id": {"17"}}, []string{"header", "last-event-id"}, "datetime_parsing", both[1:]},
	} {
		for _, path := range test.paths {
			t.Run(name+path, func(t *testing.T) {
				response := s.request(http.MethodPost, path, test.query, test.header)
				defer response.Body.Close()
				var body restwire.InvalidRequest
				s.do(json.NewDecoder(response.Body).Decode(&body))
				if response.StatusCode != http.StatusUnprocessableEntity || len(body.Detail) != 1 {
					t.Fatalf("%s %+v", response.Status, body)
				}
				if d := body.Detail[0]; !slices.Equal(d.Loc, test.loc) || d.Type != test.kind || d.Msg == "" {
					t.Errorf("%+v, want %v %s", d, test.loc, test.kind)
				}
			})
		}
	}
	response := s.request(http.MethodPost, "/logs/history", url.Values{"since": {"x"}, "page_size": {"x"}}, nil)
	defer response.Body.Close()
	var body restwire.InvalidRequest
	s.do(json.NewDecoder(response.Body).Decode(&body))
	if len(body.Detail) != 3 {
		t.Errorf("three faults at once: %+v", body)
	}
	malformed, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/logs/history?job_id=%zz", nil)
	s.do(err)
	malformed.Header.Set("Authorization", "Key "+s.key)
	answer, err := s.client.Do(malformed)
	s.do(err)
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a malformed query: %s", answer.Status)
	}
}

func TestTimesThatAreUnderstood(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-21T18:30:00Z":                 "2026-11-21T18:30:00.000000+00:00",
		"2026-11-21T18:30:00+00:00":            "2026-11-21T18:30:00.000000+00:00",
		"2026-11-21T18:30:00.5-08:00":          "2026-11-22T02:30:00.500000+00:00",
		"2026-11-21T18:30:00.000001Z":          "2026-11-21T18:30:00.000001+00:00",
		"2026-11-21T18:30:00.000000001Z":       "2026-11-21T18:30:00.000001+00:00",
		"2026-11-21T23:59:59.999999999+09:00":  "2026-11-21T15:00:00.000000+00:00",
		"0001-01-01T00:00:00Z":                 "1970-01-01T00:00:00.000000+00:00",
		"9999-12-31T23:59:59.999999Z":          "9999-12-31T23:59:59.999999+00:00",
		"2026-11-21T18:30:00.123456789+00:00 ": "",
	} {
		at, err := parseMoment(text)
		if got := at.Format(restwire.TimeLayout); want == "" && err == nil || want != "" && (err != nil || got != want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

// FuzzMoment holds that what is understood can be written, and read again as
// the same.
func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"", "2026-11-21T18:30:00Z", "2026-11-21T18:30:00.123456789-08:00", "9999-12-31T23:59:59.9999999-23:59", "0000-01-01T00:00:00+24:00", "2026-11-21T18:30:00,5Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseMoment(text)
		if err != nil {
			return
		}
		if at.UnixMicro() < 0 || at.Nanosecond()%1000 != 0 {
			t.Fatalf("%q is %s", text, at)
		}
		if at.Year() > 9999 {
			return // an offset can lead beyond what the layout holds
		}
		again, err := parseMoment(at.Format(restwire.TimeLayout))
		if err != nil || !again.Equal(at) {
			t.Errorf("%q is %s, then %s, %v", text, at, again, err)
		}
	})
}

func TestWhoMayRead(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	for _, call := range []struct {
		method, path string
		query        func(id string) url.Values
	}{
		{http.MethodGet, "/runners/", nil},
		{http.MethodPost, "/logs/history", func(id string) url.Values { return url.Values{"job_id": {id}} }},
		{http.MethodPost, "/logs/stream", func(id string) url.Values { return url.Values{"job_id": {id}} }},
		{http.MethodGet, "/applications/metrics", func(string) url.Values { return nil }},
	} {
		ask := func(id, key string) int {
			path, query := call.path+id, url.Values(nil)
			if call.query != nil {
				path, query = call.path, call.query(id)
			}
			header := http.Header{"Authorization": {key}}
			response := s.request(call.method, path, query, header)
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				var body restwire.Error
				if err := json.NewDecoder(response.Body).Decode(&body); err != nil || body.Detail == "" {
					t.Errorf("%s: %s without a detail: %v", path, response.Status, err)
				}
			}
			if uuid.Validate(response.Header.Get("X-Request-Id")) != nil {
				t.Errorf("%s: request id %q", path, response.Header.Get("X-Request-Id"))
			}
			return response.StatusCode
		}
		of := func(code int) int {
			if call.path == "/applications/metrics" {
				return http.StatusOK // it names no runner
			}
			return code
		}
		for _, c := range []struct {
			name, id, key string
			want          int
		}{
			{"no key", r.ID, "", 401},
			{"wrong key", r.ID, "Key a:b", 401},
			{"token", r.ID, "Bearer abc", 401},
			{"stranger", r.ID, "Key " + s.other, of(403)},
			{"unknown", uuid.NewString(), "Key " + s.key, of(404)},
			{"owner", r.ID, "Key " + s.key, 200},
		} {
			if got := ask(c.id, c.key); got != c.want {
				t.Errorf("%s %s, %s: %d, want %d", call.method, call.path, c.name, got, c.want)
			}
		}
	}
}
