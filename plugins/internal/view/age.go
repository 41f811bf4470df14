package view

import (
	"strconv"
	"time"
)

// ageSince is the age in seconds of what was created at t, nil when that is not
// known.
func ageSince(t, now time.Time) *int {
	if t.IsZero() {
		return nil
	}
	seconds := max(int(now.Sub(t)/time.Second), 0)
	return &seconds
}

// ageText is an age for people, and a dash for one that is not known.
func ageText(seconds *int) string {
	if seconds == nil {
		return "-"
	}
	return Age(*seconds)
}

func ageRaw(seconds *int) string {
	if seconds == nil {
		return ""
	}
	return strconv.Itoa(*seconds)
}
