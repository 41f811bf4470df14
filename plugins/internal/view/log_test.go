package view

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func sdkLogLines() []fal.LogLine {
	at := time.Date(2026, 11, 21, 14, 2, 11, 482_900_000, time.UTC)
	line := func(d time.Duration, level, message, raw string) fal.LogLine {
		return fal.LogLine{Time: at.Add(d), Level: level, Message: message, JSON: json.RawMessage(raw)}
	}
	return []fal.LogLine{
		line(0, "ERROR", "CUDA out of memory", `{"timestamp":"2026-11-21T14:02:11.482900+00:00","level":"ERROR","message":"CUDA out of memory"}`),
		line(time.Second, "STDERR", "Traceback:\r\n  File \"a.py\"\n\nKeyError: 'x'\n", `{"level":"STDERR","message":"Traceback:\r\n  File \"a.py\"\n\nKeyError: 'x'\n"}`),
		line(2*time.Second, "info", "[rank0]: :fire: \x1b[1;31mred\x1b[0m \x1b]0;title\x07 100%\r", `{"labels":{"timestamp":1,"level":[{"message":2}]},"message":"[rank0]: :fire: \u001b[1;31mred\u001b[0m \u001b]0;title\u0007 100%\r"}`),
		line(3*time.Second, "A\tb\x1bVERYLONG", "\u202eback\u0085", `{}`),
		{JSON: json.RawMessage(`{"runner_id":"theirs","a\"message\"":1}`)},
		line(4*time.Second, "WARNING", "grep me and me", `{"timestamp":5,"level":null,"message":"grep me and me"}`),
	}
}

func viewLogLines() []LogLine {
	var lines []LogLine
	for _, l := range sdkLogLines() {
		lines = append(lines, NewLogLine("4f2a91c0-0000-4000-8000-000000000001", l))
	}
	return lines
}

// What scripts and people see of a log, in every format that it has.
func TestLogsGolden(t *testing.T) {
	for _, format := range output.Formats() {
		if format == output.Name {
			continue
		}
		for _, terminal := range []bool{false, true} {
			name := "logs." + string(format)
			if terminal {
				name += ".terminal"
			}
			t.Run(name, func(t *testing.T) {
				streams, _, out, errout := iostreams.Test()
				streams.SetTerminal(terminal, terminal, terminal)
				streams.SetWidth(120)
				p := output.New(streams, output.Options{Format: format, Explicit: true})
				text := LogText{Location: time.FixedZone("", 3600), Runners: terminal, Timestamps: format == output.Wide, Match: regexp.MustCompile("me|Key"), Paint: p.Paint}
				rows := func(yield func(LogLine, error) bool) {
					for _, l := range viewLogLines() {
						if !yield(l, nil) {
							return
						}
					}
				}
				if err := output.Sequence(t.Context(), p, Logs(), rows, text.Line); err != nil {
					t.Fatal(err)
				}
				golden(t, name, append(out.Bytes(), errout.Bytes()...))
			})
		}
	}
}

func TestLogLineJSON(t *testing.T) {
	for i, l := range viewLogLines() {
		sent, got := map[string]any{}, map[string]any{}
		if err := json.Unmarshal(sdkLogLines()[i].JSON, &sent); err != nil {
			t.Fatal(err)
		}
		text := l.AppendJSON(nil)
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, key := range []string{"timestamp", "level", "message", "runner_id"} {
			if _, ok := got[key]; !ok {
				t.Errorf("%s lacks %s", text, key)
			}
			if n := strings.Count(string(text), `,"`+key+`":`) + strings.Count(string(text), `{"`+key+`":`); sent["labels"] == nil && n != 1 {
				t.Errorf("%s has %s %d times", text, key, n)
			}
		}
		for key := range sent {
			if _, ok := got[key]; !ok {
				t.Errorf("%s lost %s", text, key)
			}
		}
	}
}

func TestLogLevels(t *testing.T) {
	for _, c := range []struct {
		have, want string
		shown      bool
	}{
		{"INFO", "info", true}, {"info", "WARNING", false}, {"Warning", "warn", true}, {"WARN", "error", false},
		{"STDOUT", "info", true}, {"STDOUT", "warning", false}, {"STDERR", "error", true}, {"STDERR", "critical", false},
		{"FATAL", "critical", true}, {"TRACE", "debug", false}, {"DEBUG", "trace", true}, {"", "critical", true}, {"loud", "critical", true},
	} {
		if got := (LogLine{Level: c.have}).AtLeast(c.want); got != c.shown {
			t.Errorf("%q at least %q: %v", c.have, c.want, got)
		}
	}
}

func TestShortRunnerID(t *testing.T) {
	for id, want := range map[string]string{"4f2a91c0-0000-4000-8000-000000000001": "4f2a91c0", "abc": "abc", "": "", "a-long-name": "a", "averyverylongone": "averyver"} {
		if got := ShortRunnerID(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

// FuzzLogText: no control character but tab and newline comes out, whatever a
// runner writes, and its colours do not hide its text.
func FuzzLogText(f *testing.F) {
	for _, l := range sdkLogLines() {
		f.Add(l.Message, l.Level, "4f2a", "me")
	}
	f.Add("\x1b[\x1b[31mm\x9b31m\xc2\x9b", "\x1b", "\x1b[31m", "")
	f.Fuzz(func(t *testing.T, message, level, runner, match string) {
		l := LogLine{Message: message, Level: level, RunnerID: runner}
		text := LogText{Runners: true}
		if expression, err := regexp.Compile(match); err == nil {
			text.Match = expression
		}
		got := text.Line(l)
		for _, c := range got {
			if c != '\t' && c != '\n' && iostreams.IsUnsafe(c) {
				t.Fatalf("%q has %q", got, c)
			}
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		text.Match = nil
		if plain := text.Line(l); plain != got {
			t.Errorf("unpainted matches change %q to %q", plain, got)
		}
		if strings.Count(got, "\n") != strings.Count(l.Text(), "\n") {
			t.Errorf("%q has not the lines of %q", got, l.Text())
		}
	})
}
