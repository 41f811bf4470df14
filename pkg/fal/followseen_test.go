package fal

import (
	"testing"
	"time"
)

// Lines that are dated in the future, or not at all, neither hide others nor
// are shown again.
func TestSeenLinesOutOfTime(t *testing.T) {
	now := time.Now()
	seen := newSeenLines(now.Add(-time.Minute), nil)
	future := LogLine{Time: now.AddDate(70, 0, 0), Message: "future"}
	timeless := LogLine{Message: "timeless"}
	ordinary := LogLine{Time: now, Message: "ordinary"}
	for _, line := range []LogLine{future, timeless, ordinary} {
		if !seen.take(line) {
			t.Errorf("%s is not new", line.Message)
		}
	}
	for range 3 {
		seen.resume()
		if seen.floor.After(now) {
			t.Fatalf("it would go on from %s", seen.floor)
		}
		for _, line := range []LogLine{timeless, ordinary} {
			if seen.take(line) {
				t.Errorf("%s is shown again", line.Message)
			}
		}
	}
	for range 2 * mostTimeless {
		seen.record(timeless)
	}
	seen.forget(now.Add(time.Second))
	if len(seen.entries) > mostTimeless+1 {
		t.Errorf("%d lines are remembered", len(seen.entries))
	}
}
