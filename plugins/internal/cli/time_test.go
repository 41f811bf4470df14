package cli

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("here", 9*3600)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, zone)
	for in, want := range map[string]time.Time{
		"now":                              now,
		"NOW":                              now,
		"15m":                              now.Add(-15 * time.Minute),
		"1h":                               now.Add(-time.Hour),
		"1d":                               now.Add(-24 * time.Hour),
		"24h ago":                          now.Add(-24 * time.Hour),
		" 90s  ago ":                       now.Add(-90 * time.Second),
		"1 hour ago":                       now.Add(-time.Hour),
		"2 hours 30 minutes ago":           now.Add(-150 * time.Minute),
		"1.5h":                             now.Add(-90 * time.Minute),
		"3 days ago":                       now.Add(-72 * time.Hour),
		"2026-11-21T10:00:00Z":             time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		"2026-11-21T10:00:00.123456+02:00": time.Date(2026, 11, 21, 8, 0, 0, 123456000, time.UTC),
		"2026-11-21 10:00:00.5+00:00":      time.Date(2026, 11, 21, 10, 0, 0, 500000000, time.UTC),
		"2026-11-21T10:00:00":              time.Date(2026, 11, 21, 10, 0, 0, 0, zone),
		"2026-11-21 10:00":                 time.Date(2026, 11, 21, 10, 0, 0, 0, zone),
		"2026-11-21":                       time.Date(2026, 11, 21, 0, 0, 0, 0, zone),
	} {
		if got, err := ParseTime(in, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "ago", "soon", "5", "0", "-1h", "1x", "1 fortnight ago", "2026-13-01", "25:00", "1h 2", "d", "1dd"} {
		if got, err := ParseTime(in, now); err == nil {
			t.Errorf("%q was read as %s", in, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"now", "1h", "1d12h ago", "2026-11-21T10:00:00Z", "1 hour ago", "99999999999999d"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseTime(s, now); err == nil && len(s) < 10 && got.After(now.AddDate(9000, 0, 0)) {
			t.Errorf("%q is %s", s, got)
		}
	})
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
}
