package view

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// LogLine is the JSON contract of a line of a log. What else the service sent
// with the line is printed beside these keys, and what it sent of them is
// printed as it came.
type LogLine struct {
	Timestamp string `json:"timestamp"` // as sent, mostly ISO 8601
	Level     string `json:"level"`
	Message   string `json:"message"`
	RunnerID  string `json:"runner_id"`

	at  time.Time
	raw json.RawMessage
}

// LogList is what `runners logs` prints as JSON, without --follow.
type LogList struct {
	Logs []LogLine `json:"logs"`
}

// LogListKeys are the keys of a list of lines with those that the service may
// add, for help.
type LogListKeys struct {
	Logs []struct {
		Timestamp string `json:"timestamp"`
		Level     string `json:"level"`
		Message   string `json:"message"`
		Source    string `json:"source?"`
		App       string `json:"app?"`
		Labels    any    `json:"labels?"`
		RunnerID  string `json:"runner_id"`
	} `json:"logs"`
}

// NewLogLine converts a line of a runner's log.
func NewLogLine(runner string, l fal.LogLine) LogLine {
	v := LogLine{Level: l.Level, Message: l.Message, RunnerID: runner, at: l.Time, raw: l.JSON}
	if !l.Time.IsZero() {
		v.Timestamp = l.Time.Format(logTimestamp)
	}
	return v
}

const logTimestamp = "2006-01-02T15:04:05.000000Z07:00"

// AppendJSON appends the service's own object, and the keys of the contract
// that it lacks.
func (l LogLine) AppendJSON(b []byte) []byte {
	members := []struct {
		key, value string
		there      bool
	}{{key: "timestamp", value: l.Timestamp}, {key: "level", value: l.Level}, {key: "message", value: l.Message}, {key: "runner_id", value: l.RunnerID}}
	b = append(b, '{')
	if len(l.raw) > 2 { // more than {}
		b = append(b, l.raw[1:len(l.raw)-1]...)
		topKeys(l.raw, func(key []byte) {
			for i := range members {
				members[i].there = members[i].there || string(key) == members[i].key
			}
		})
	}
	for _, m := range members {
		if m.there {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.key...), `":`...)
		b = output.AppendString(b, m.value)
	}
	return append(b, '}')
}

// MarshalJSON is AppendJSON: one contract, whoever encodes it.
func (l LogLine) MarshalJSON() ([]byte, error) { return l.AppendJSON(nil), nil }

// topKeys calls visit with the keys of a compact JSON object as they are
// written, those of the objects in it left out.
func topKeys(object []byte, visit func(key []byte)) {
	depth, start := 0, 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			start = i + 1
			for i++; i < len(object) && object[i] != '"'; i++ {
				if object[i] == '\\' {
					i++
				}
			}
			if depth == 1 && i+1 < len(object) && object[i+1] == ':' {
				visit(object[start:i])
			}
		}
	}
}

// Text is the message as it may be shown: without colours, and with every
// other control character but tab and newline made visible.
func (l LogLine) Text() string {
	text := withoutColours(l.Message)
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(text, "\r\n", "\n")
		text = strings.TrimSuffix(text, "\r")
	}
	return iostreams.Sanitize(strings.TrimRight(text, "\n"))
}

// withoutColours leaves out what programs put into their logs to colour them.
// Any other escape sequence is worth seeing.
func withoutColours(text string) string {
	const begin = "\x1b["
	if !strings.Contains(text, begin) {
		return text
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, begin)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		rest := strings.TrimLeft(after, "0123456789;:")
		if !strings.HasPrefix(rest, "m") {
			b.WriteString(begin)
			text = after
			continue
		}
		text = rest[1:]
	}
}

// LogText is how log lines are shown to people.
type LogText struct {
	// Timestamps shows RFC 3339 in UTC in place of the local time of day.
	Timestamps bool
	// Location is that of the local time; nil: the system's.
	Location *time.Location
	// Runners puts the runner's short id in front.
	Runners bool
	// Match is what stands out in messages; nil: nothing.
	Match *regexp.Regexp
	// Paint colours a text; nil: nothing is coloured.
	Paint func(iostreams.Style, string) string
}

// levelWidth is that of WARNING, the longest of the usual levels.
const levelWidth = 7

// Line is a log line without the newline at its end. The further lines of a
// message are indented to where it begins.
func (t LogText) Line(l LogLine) string {
	paint := t.Paint
	if paint == nil {
		paint = func(_ iostreams.Style, text string) string { return text }
	}
	var b strings.Builder
	at := t.time(l.at)
	b.WriteString(paint(iostreams.Dim, at))
	b.WriteByte(' ')
	width := len(at) + 1
	if t.Runners {
		id := iostreams.SanitizeLine(ShortRunnerID(l.RunnerID))
		b.WriteString(paint(iostreams.Cyan, id))
		b.WriteByte(' ')
		width += len(id) + 1
	}
	level := iostreams.SanitizeLine(cmp.Or(strings.ToUpper(l.Level), "-"))
	b.WriteString(paint(logStyle(l.Level), level))
	gap := max(levelWidth-len(level), 0) + 1
	b.WriteString(strings.Repeat(" ", gap))
	width += len(level) + gap
	first := true
	for line := range strings.SplitSeq(l.Text(), "\n") {
		if !first {
			b.WriteByte('\n')
			if line != "" {
				b.WriteString(strings.Repeat(" ", width))
			}
		}
		first = false
		t.highlight(&b, line, paint)
	}
	return b.String()
}

func (t LogText) time(at time.Time) string {
	location := t.Location
	if location == nil {
		location = time.Local
	}
	switch {
	case at.IsZero() && t.Timestamps:
		return strings.Repeat("-", len("2006-01-02T15:04:05.000000Z"))
	case at.IsZero():
		return "--:--:--.---"
	case t.Timestamps:
		return at.UTC().Format(logTimestamp)
	}
	return at.In(location).Format("15:04:05.000")
}

func (t LogText) highlight(b *strings.Builder, line string, paint func(iostreams.Style, string) string) {
	end := 0
	if t.Match != nil {
		for _, span := range t.Match.FindAllStringIndex(line, -1) {
			b.WriteString(line[end:span[0]])
			b.WriteString(paint(iostreams.Bold|iostreams.Red, line[span[0]:span[1]]))
			end = span[1]
		}
	}
	b.WriteString(line[end:])
}

// ShortRunnerID is the beginning of a runner's id that is shown in front of its
// lines, and that commands take for it.
func ShortRunnerID(id string) string {
	short, _, _ := strings.Cut(id, "-")
	return short[:min(len(short), 8)]
}

// Logs is how log lines are shown as records.
func Logs() output.View[LogLine] {
	return output.View[LogLine]{
		Key: "logs",
		Columns: []output.Column[LogLine]{
			{Header: "TIMESTAMP", Text: func(l LogLine) string { return l.Timestamp }},
			{Header: "RUNNER ID", Text: func(l LogLine) string { return l.RunnerID }},
			{Header: "LEVEL", Text: func(l LogLine) string { return l.Level }},
			{Header: "MESSAGE", Text: LogLine.Text, Raw: func(l LogLine) string { return l.Message }},
		},
		Empty: "no log lines",
	}
}

// CompareTime is the order of time.
func (l LogLine) CompareTime(other LogLine) int { return l.at.Compare(other.at) }
