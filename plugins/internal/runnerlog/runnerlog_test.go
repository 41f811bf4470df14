package runnerlog

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is the time of tests; at is a time that many minutes later.
var clock = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time {
	return clock.Add(time.Duration(minutes * float64(time.Minute)))
}

func TestWindow(t *testing.T) {
	const second = 1.0 / 60
	started, ended := fal.RunnerLife{StartedAt: at(-60)}, fal.RunnerLife{StartedAt: at(-60), EndedAt: at(-30)}
	var none time.Time
	tests := []struct {
		name         string
		options      Options
		life         fal.RunnerLife
		since, until time.Time
	}{
		{"its life until now", Options{lines: lineCount{n: -1}}, started, at(-60), none},
		{"its whole life", Options{lines: lineCount{n: -1}}, ended, at(-60), at(-30 + second)},
		{"a life not begun", Options{lines: lineCount{n: -1}}, fal.RunnerLife{}, at(-24 * 60), none},
		{"a part", Options{lines: lineCount{n: -1}, since: at(-20), until: at(-10)}, started, at(-20), at(-10)},
		{"more than its life", Options{lines: lineCount{n: -1}, since: at(-90), until: at(10)}, ended, at(-60), at(-30 + second)},
		{"before its life", Options{lines: lineCount{n: -1}, since: at(-90), until: at(-80)}, ended, at(-80), at(-80)},
		{"after its life", Options{lines: lineCount{n: -1}, since: at(-5)}, ended, at(-30 + second), at(-30 + second)},
		{"a follow", Options{follow: true, lines: lineCount{n: -1}}, started, at(-1), none},
		{"a follow from the newest", Options{follow: true, lines: lineCount{n: 5}}, started, at(-60), none},
		{"a follow of what ended", Options{follow: true, lines: lineCount{n: -1}}, ended, at(-31), at(-30 + second)},
		{"a follow of what just began", Options{follow: true, lines: lineCount{n: -1}}, fal.RunnerLife{StartedAt: at(-0.5)}, at(-0.5), none},
	}
	for _, tt := range tests {
		l := &logs{Options: &tt.options, inv: &cli.Invocation{}, began: clock}
		if p := l.window(tt.life); !p.Since.Equal(tt.since) || !p.Until.Equal(tt.until) {
			t.Errorf("%s: %s to %s, want %s to %s", tt.name, p.Since, p.Until, tt.since, tt.until)
		}
	}
}

func TestMerge(t *testing.T) {
	broken := errors.New("broken")
	lines := func(stopped *int, fail error, words ...string) iter.Seq2[view.LogLine, error] {
		return func(yield func(view.LogLine, error) bool) {
			defer func() { *stopped++ }()
			for _, w := range words {
				if !yield(logLine(t, w), nil) {
					return
				}
			}
			if fail != nil {
				yield(view.LogLine{}, fail)
			}
		}
	}
	tests := []struct {
		name string
		each [][]string
		fail error
		take int // 0: all
		want string
		err  error
	}{
		{"nothing", nil, nil, 0, "", nil},
		{"empty ones", [][]string{nil, nil}, nil, 0, "", nil},
		{"one", [][]string{{"1a", "2b"}}, nil, 0, "1a 2b", nil},
		{"in turn", [][]string{{"1a", "4d"}, {"2b", "3c"}, nil}, nil, 0, "1a 2b 3c 4d", nil},
		{"at the same time, as they are given", [][]string{{"1a", "1b"}, {"1c"}}, nil, 0, "1a 1b 1c", nil},
		{"ended early", [][]string{{"1a", "3c"}, {"2b", "4d"}}, nil, 2, "1a 2b", nil},
		{"one fails", [][]string{{"1a", "3c"}}, broken, 0, "1a 3c", broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stopped := 0
			var each []iter.Seq2[view.LogLine, error]
			for _, words := range tt.each {
				each = append(each, lines(&stopped, tt.fail, words...))
			}
			var got []string
			var failed error
			for line, err := range merge(each) {
				if failed = err; err == nil {
					got = append(got, line.Text())
				}
				if len(got) == cmp.Or(tt.take, -1) {
					break
				}
			}
			if strings.Join(got, " ") != tt.want || !errors.Is(failed, tt.err) {
				t.Errorf("%q, %v; want %q, %v", got, failed, tt.want, tt.err)
			}
			if stopped != len(each) {
				t.Errorf("%d of %d ended", stopped, len(each))
			}
		})
	}
}

// logLine is a line that was written as many seconds after the clock as its
// first digit says.
func logLine(t *testing.T, text string) view.LogLine {
	t.Helper()
	seconds := time.Duration(text[0]-'0') * time.Second
	return view.NewLogLine("runner", fal.LogLine{Time: clock.Add(seconds), Message: text})
}

func TestCheck(t *testing.T) {
	inv := func(f output.Format) *cli.Invocation { return &cli.Invocation{Format: f} }
	refused := map[string]struct {
		options Options
		format  output.Format
	}{
		"--no-reconnect goes with --follow": {Options{noReconnect: true}, output.JSON},
		"--lines +N":                        {Options{follow: true, lines: lineCount{2, true}}, output.JSON},
		`--grep "(": missing closing`:       {Options{grep: "("}, output.JSON},
		"name":                              {Options{}, output.Name},
	}
	for want, tt := range refused {
		if err := tt.options.Check(inv(tt.format)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	turned := Options{since: at(-1), until: at(-2), grep: "^a+$"}
	if err := turned.Check(inv(output.JSON)); err != nil || !turned.since.Equal(at(-2)) || !turned.until.Equal(at(-1)) || !turned.match.MatchString("aa") {
		t.Errorf("%v: %+v", err, turned)
	}
}

func TestLineCount(t *testing.T) {
	for text, want := range map[string]lineCount{"0": {}, "12": {n: 12}, "+3": {3, true}} {
		var got lineCount
		if err := got.value().Set(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "++1", "x", "1.5", "99999999999"} {
		if err := new(lineCount).value().Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if !slices.ContainsFunc(New(time.Now, time.Second).Flags(), func(f *cli.Flag) bool { return f.Name == "lines" }) {
		t.Error("no --lines")
	}
}
