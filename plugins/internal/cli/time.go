package cli

import (
	"errors"
	"strings"
	"time"
)

// isoLayouts are the forms of an ISO 8601 timestamp that are taken, those
// without a zone in local time.
var isoLayouts = [...]string{
	time.RFC3339Nano,
	"2006-01-02T15:04Z07:00",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
}

// Time stores a point in time: `now`, how long ago (`15m`, `1d`, `24h ago`, `1
// hour ago`), or an ISO 8601 timestamp, which without a zone is local time.
func Time(p *time.Time, now func() time.Time) Value {
	return value{k: kindNumber, set: func(s string) error {
		t, err := ParseTime(s, now())
		if err != nil {
			return err
		}
		*p = t
		return nil
	}}
}

// ParseTime reads the grammar of Time; relative times count back from now, and
// now's location is the local one.
func ParseTime(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "now") {
		return now, nil
	}
	if d, err := ParseDuration(compactUnits(s)); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range isoLayouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("want now, a time ago such as 15m, 1h or 1d, or an ISO 8601 timestamp")
}

// compactUnits turns "1 hour 30 minutes ago" into 1h30m; what it does not know
// stays as it is, and is refused then.
func compactUnits(s string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(strings.TrimSuffix(strings.ToLower(s), "ago")) {
		digits := strings.TrimLeft(word, "0123456789.")
		b.WriteString(word[:len(word)-len(digits)])
		switch strings.TrimSuffix(digits, "s") {
		case "sec", "second":
			digits = "s"
		case "min", "minute":
			digits = "m"
		case "hr", "hour":
			digits = "h"
		case "day":
			digits = "d"
		}
		b.WriteString(digits)
	}
	return b.String()
}
