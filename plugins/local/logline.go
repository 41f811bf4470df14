package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// LogLine is the JSON contract of a line of the server's log. What the server
// did not write as an entry, such as a stack trace, has a message alone.
type LogLine struct {
	Timestamp  *string        `json:"timestamp"` // RFC 3339
	Level      *string        `json:"level"`     // DEBUG, INFO, WARN, ERROR
	Message    string         `json:"message"`
	Attributes map[string]any `json:"attributes"`
}

// Keys of slog's JSON.
const (
	timeKey    = "time"
	levelKey   = "level"
	messageKey = "msg"
)

func parseLogLine(text []byte) LogLine {
	plain := LogLine{Message: string(bytes.TrimSuffix(text, []byte("\r"))), Attributes: map[string]any{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var all map[string]any
	if decoder.Decode(&all) != nil || decoder.More() {
		return plain
	}
	message, ok := all[messageKey].(string)
	at, timed := all[timeKey].(string)
	level, leveled := all[levelKey].(string)
	if !ok || !timed || !leveled {
		return plain
	}
	for _, key := range []string{timeKey, levelKey, messageKey} {
		delete(all, key)
	}
	return LogLine{Timestamp: &at, Level: &level, Message: message, Attributes: all}
}

// text is the line for people: local time of day, level, message, attributes.
func (l LogLine) text(paint func(iostreams.Style, string) string) string {
	if l.Timestamp == nil {
		return iostreams.Sanitize(l.Message)
	}
	var b strings.Builder
	at := *l.Timestamp
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
		at = t.Local().Format("2006-01-02 15:04:05.000")
	}
	b.WriteString(paint(iostreams.Dim, iostreams.SanitizeLine(at)))
	b.WriteString(" " + paint(levelStyle(*l.Level), fmt.Sprintf("%-5s", iostreams.SanitizeLine(*l.Level))))
	b.WriteString(" " + iostreams.SanitizeLine(l.Message))
	for _, key := range slices.Sorted(maps.Keys(l.Attributes)) {
		b.WriteString(" " + paint(iostreams.Dim, iostreams.SanitizeLine(key)+"=") + iostreams.SanitizeLine(attribute(l.Attributes[key])))
	}
	return b.String()
}

// attribute is a value as slog's own text has it: quoted where it must be.
func attribute(v any) string {
	text, ok := v.(string)
	if !ok {
		encoded, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(encoded)
	}
	if text == "" || strings.ContainsAny(text, " =\"\t\r\n") {
		return fmt.Sprintf("%q", text)
	}
	return text
}

func levelStyle(level string) iostreams.Style {
	switch {
	case strings.HasPrefix(level, "ERROR"):
		return iostreams.Red
	case strings.HasPrefix(level, "WARN"):
		return iostreams.Yellow
	}
	return iostreams.Plain
}

// logWriter shows the entries that are written to it on stderr as they are
// read by people. Each call is one entry, as slog makes them.
type logWriter struct{ streams *iostreams.Streams }

func (w *logWriter) Write(entry []byte) (int, error) {
	line := parseLogLine(bytes.TrimSuffix(entry, []byte("\n")))
	// A terminal that went away must not keep the log file from its entry.
	_, _ = fmt.Fprintln(w.streams.Err, line.text(w.streams.PaintErr))
	return len(entry), nil
}
