package fal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A LogLine is one line of a log; its message may have several lines of text.
type LogLine struct {
	// Time is zero if the service gave none that can be read.
	Time time.Time
	// Level is as the service spells it: INFO, WARNING, ERROR, STDOUT, …
	Level string
	// Message may hold any characters.
	Message string
	// JSON is the object that the service sent, compact and valid UTF-8. It may
	// have more keys than timestamp, level and message, and need not have these.
	JSON json.RawMessage

	id string // of the event that it came in
}

// lineKey tells lines apart: what is equal in it is the same line, or another
// one that nobody could tell from it.
type lineKey struct {
	at   int64
	hash uint64
}

// lineSeed differs from one process to the next, and a key is used within one.
var lineSeed = maphash.MakeSeed()

func (l *LogLine) key() lineKey {
	var h maphash.Hash
	h.SetSeed(lineSeed)
	_, _ = h.WriteString(l.Level) // never fails
	_ = h.WriteByte(0)
	_, _ = h.WriteString(l.Message)
	return lineKey{at: l.Time.UnixNano(), hash: h.Sum64()}
}

// pageOrder is the order of the lines in the service's pages, as seen so far. It
// matters for lines of one moment, which keep the order in which they came.
type pageOrder struct{ oldestFirst bool }

// sort puts the lines of a page into the order of time.
func (o *pageOrder) sort(lines []LogLine) {
	if len(lines) == 0 {
		return
	}
	if c := lines[0].Time.Compare(lines[len(lines)-1].Time); c != 0 {
		o.oldestFirst = c < 0
	}
	if !o.oldestFirst {
		slices.Reverse(lines)
	}
	slices.SortStableFunc(lines, byTime)
}

func byTime(a, b LogLine) int { return a.Time.Compare(b.Time) }

// decodeLogLine reads a line. Values of other types than expected become text.
func decodeLogLine(data []byte) (LogLine, error) {
	var fields struct {
		Timestamp looseText `json:"timestamp"`
		Level     looseText `json:"level"`
		Message   looseText `json:"message"`
	}
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '{' {
		return LogLine{}, fmt.Errorf("a line of the log is no JSON object")
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return LogLine{}, err
	}
	line := LogLine{Level: string(fields.Level), Message: string(fields.Message)}
	line.Time, _ = logTime(string(fields.Timestamp))
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return LogLine{}, err
	}
	line.JSON = compact.Bytes()
	if !utf8.Valid(line.JSON) {
		line.JSON = bytes.ToValidUTF8(line.JSON, []byte("\uFFFD"))
	}
	return line, nil
}

// looseText is a JSON string, nothing for null, and any other value as it is
// written.
type looseText string

func (t *looseText) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = ""
		return nil
	}
	if data[0] != '"' {
		*t = looseText(data)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*t = looseText(s)
	return nil
}

// logTime reads ISO 8601, without a zone in UTC, and numbers since 1970 in
// seconds, or in the smaller unit that puts them into this age.
func logTime(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		switch {
		case n < 1e11:
			return time.Unix(n, 0).UTC(), true
		case n < 1e14:
			return time.UnixMilli(n).UTC(), true
		case n < 1e17:
			return time.UnixMicro(n).UTC(), true
		}
		return time.Unix(0, n).UTC(), true
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f >= 0 && f < 1e11 {
		whole, fraction := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC(), true
	}
	return time.Time{}, false
}
