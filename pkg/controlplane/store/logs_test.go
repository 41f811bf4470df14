package store

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// logged is a database with one runner and lines of it, at the microseconds 1,
// 2, 3, …
func logged(t *testing.T, lines ...LogLine) (*Store, LogRange) {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	a := account(t, s)
	mine, other := Runner{RunnerID: "mine", Account: a.ID}, Runner{RunnerID: "other", Account: a.ID}
	mustWrite(t, s, func(tx *Tx) error {
		for _, r := range []*Runner{&other, &mine} {
			if err := tx.InsertRunner(r); err != nil {
				return err
			}
			for i := range lines {
				lines[i].Runner, lines[i].Time = r.ID, time.UnixMicro(int64(i+1)).UTC()
			}
			if _, err := tx.AppendLogs(lines); err != nil {
				return err
			}
		}
		return nil
	})
	return s, LogRange{Runner: mine.ID, From: time.UnixMicro(0), To: time.UnixMicro(math.MaxInt64), Limit: 1000, MaxBytes: math.MaxInt}
}

func TestLogRanges(t *testing.T) {
	s, all := logged(t,
		LogLine{Source: "lifecycle", Message: "IDLE: ready"},
		LogLine{Source: "stdout", Message: "GET /Health 100%"},
		LogLine{Source: "stderr", Message: "under_score"},
		LogLine{Source: "stdout", Message: "a\x00nul, \xff\xfe and Ärger"},
		LogLine{Source: "lifecycle", Message: "TERMINATED: stop requested"},
	)
	with := func(edit func(*LogRange)) LogRange {
		r := all
		edit(&r)
		return r
	}
	search := func(text string) LogRange { return with(func(r *LogRange) { r.Search = text }) }
	for name, test := range map[string]struct {
		r    LogRange
		want []int64
		more bool
	}{
		"all":                 {all, []int64{1, 2, 3, 4, 5}, false},
		"newest first":        {with(func(r *LogRange) { r.NewestFirst = true }), []int64{5, 4, 3, 2, 1}, false},
		"from is included":    {with(func(r *LogRange) { r.From = time.UnixMicro(4) }), []int64{4, 5}, false},
		"to is left out":      {with(func(r *LogRange) { r.To = time.UnixMicro(3) }), []int64{1, 2}, false},
		"nothing between":     {with(func(r *LogRange) { r.From, r.To = time.UnixMicro(3), time.UnixMicro(3) }), nil, false},
		"to before from":      {with(func(r *LogRange) { r.From, r.To = time.UnixMicro(4), time.UnixMicro(2) }), nil, false},
		"the limit":           {with(func(r *LogRange) { r.Limit = 5 }), []int64{1, 2, 3, 4, 5}, false},
		"below the limit":     {with(func(r *LogRange) { r.Limit = 4 }), []int64{1, 2, 3, 4}, true},
		"the newest two":      {with(func(r *LogRange) { r.Limit, r.NewestFirst = 2, true }), []int64{5, 4}, true},
		"bytes":               {with(func(r *LogRange) { r.MaxBytes = 12 }), []int64{1, 2}, true},
		"at least one":        {with(func(r *LogRange) { r.MaxBytes = 1 }), []int64{1}, true},
		"life":                {with(func(r *LogRange) { r.Source = SourceLifecycle }), []int64{1, 5}, false},
		"last of life":        {with(func(r *LogRange) { r.Source, r.NewestFirst, r.Limit = SourceLifecycle, true, 1 }), []int64{5}, true},
		"source":              {with(func(r *LogRange) { r.Source = "stderr" }), []int64{3}, false},
		"no such source":      {with(func(r *LogRange) { r.Source = "x' OR 1=1 --" }), nil, false},
		"search":              {search("health"), []int64{2}, false},
		"search upper case":   {search("READY"), []int64{1}, false},
		"search percent":      {search("0%"), []int64{2}, false},
		"search underscore":   {search("r_s"), []int64{3}, false},
		"search quote":        {search("'"), nil, false},
		"search past a NUL":   {search("Ärger"), []int64{4}, false},
		"search bad UTF-8":    {search("\xff\xfe"), []int64{4}, false},
		"search other umlaut": {search("ärger"), nil, false},
		"search and limit":    {with(func(r *LogRange) { r.Search, r.Limit = "re", 1 }), []int64{1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			lines, more, err := s.LogLines(t.Context(), test.r)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, line := range lines {
				got = append(got, line.Time.UnixMicro())
			}
			if !slices.Equal(got, test.want) || more != test.more {
				t.Errorf("lines %v, more %v; want %v, %v", got, more, test.want, test.more)
			}
		})
	}
}

// TestLogsAreReadByIndex holds that no page of a long log reads or sorts more
// than its own lines.
func TestLogsAreReadByIndex(t *testing.T) {
	s, all := logged(t)
	for name, test := range map[string]struct {
		edit func(*LogRange)
		want string
	}{
		"forwards":  {func(*LogRange) {}, "SEARCH log_lines USING PRIMARY KEY (runner=? AND time>? AND time<?)"},
		"backwards": {func(r *LogRange) { r.NewestFirst = true }, "SEARCH log_lines USING PRIMARY KEY (runner=? AND time>? AND time<?)"},
		"search":    {func(r *LogRange) { r.NewestFirst, r.Search = true, "x" }, "SEARCH log_lines USING PRIMARY KEY (runner=? AND time>? AND time<?)"},
		"life":      {func(r *LogRange) { r.NewestFirst, r.Source = true, SourceLifecycle }, "SEARCH log_lines USING INDEX lifecycle_lines (runner=? AND time>? AND time<?)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := all
			test.edit(&r)
			query, args := r.statement()
			rows, err := s.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan []string
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, detail)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(plan, "; "); got != test.want {
				t.Errorf("plan %q, want %q", got, test.want)
			}
		})
	}
}
