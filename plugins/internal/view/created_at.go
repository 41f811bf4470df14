package view

import "time"

// createdAt is a creation time as the official client prints it: UTC, with
// microseconds unless there are none, as in 2026-11-21 18:30:00+00:00. It is
// empty for a time that is not known.
func createdAt(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	layout := "2006-01-02 15:04:05-07:00"
	if t = t.UTC().Truncate(time.Microsecond); t.Nanosecond() != 0 {
		layout = "2006-01-02 15:04:05.000000-07:00"
	}
	return t.Format(layout)
}

// createdText is a creation time for people, in their zone; "-" for one that is
// not known. A nil location is the system's.
func createdText(t time.Time, location *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	if location == nil {
		location = time.Local
	}
	return t.In(location).Format("2006-01-02 15:04")
}
