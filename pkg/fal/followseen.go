package fal

import (
	"slices"
	"time"
)

const (
	// followOverlap is how much of what was seen is asked for again.
	followOverlap = time.Second
	// mostSeen bounds the lines that are remembered for it.
	mostSeen = 1 << 16
)

// seenLines remembers the newest lines of a log, so that what a service sends
// again is recognised.
type seenLines struct {
	// floor is in whole microseconds, as it is sent. Every line from it on that
	// was given is among the entries.
	floor   time.Time
	newest  time.Time
	entries []seenLine
	prune   int // the number of entries at which they are looked through

	// What the present stream may repeat: by id for lines that had one, by
	// content for those that had none, and by content for all.
	byID           map[idKey]int
	withoutID, all map[lineKey]int
}

type seenLine struct {
	key lineKey
	id  string
}

type idKey struct {
	lineKey
	id string
}

func newSeenLines(since time.Time, after []LogLine) *seenLines {
	s := &seenLines{floor: since.Truncate(time.Microsecond), prune: mostSeen}
	if n := len(after); n > 0 {
		// Of the oldest moment there may be more lines than these.
		oldest, newest := after[0].Time, after[n-1].Time
		s.floor = newest.Add(-followOverlap).Truncate(time.Microsecond)
		if !s.floor.After(oldest) {
			s.floor = oldest.Truncate(time.Microsecond).Add(time.Microsecond)
		}
		if s.floor.After(newest) {
			s.floor = newest.Truncate(time.Microsecond)
		}
		for _, line := range after {
			s.record(line)
		}
	}
	return s
}

// take records a line and reports true, or false if it was given before.
func (s *seenLines) take(line LogLine) bool {
	key := line.key()
	if line.id == "" {
		if s.all[key] > 0 {
			s.all[key]--
			return false
		}
	} else {
		if k := (idKey{key, line.id}); s.byID[k] > 0 {
			s.byID[k]--
			return false
		}
		if s.withoutID[key] > 0 {
			s.withoutID[key]--
			return false
		}
	}
	s.record(line)
	return true
}

func (s *seenLines) record(line LogLine) {
	if !line.Time.IsZero() && line.Time.Before(s.floor) {
		return
	}
	s.entries = append(s.entries, seenLine{key: line.key(), id: line.id})
	// A line dated in the future must not hide what is written until then.
	if line.Time.After(s.newest) && line.Time.Before(time.Now().Add(followSkew)) {
		s.newest = line.Time
	}
	if len(s.entries) >= s.prune {
		s.forget(s.newest.Add(-followOverlap))
		if len(s.entries) > mostSeen {
			s.forget(s.newest)
		}
		s.prune = max(mostSeen, 2*len(s.entries))
	}
}

const (
	// followSkew is how far ahead of this machine's the service's clock may be.
	followSkew = 24 * time.Hour
	// mostTimeless bounds the lines without a time that are remembered.
	mostTimeless = 4096
)

// forget raises the floor.
func (s *seenLines) forget(floor time.Time) {
	floor = floor.Truncate(time.Microsecond)
	if !floor.After(s.floor) {
		return
	}
	s.floor = floor
	at := floor.UnixNano()
	// Lines without a readable time have no place: the latest of them are kept.
	timeless := time.Time{}.UnixNano()
	surplus := -mostTimeless
	for _, e := range s.entries {
		if e.key.at == timeless {
			surplus++
		}
	}
	s.entries = slices.DeleteFunc(s.entries, func(e seenLine) bool {
		if e.key.at == timeless {
			surplus--
			return surplus >= 0
		}
		return e.key.at < at
	})
}

// resume prepares for a stream that starts at the floor.
func (s *seenLines) resume() {
	s.forget(s.newest.Add(-followOverlap))
	s.byID, s.withoutID, s.all = make(map[idKey]int), make(map[lineKey]int), make(map[lineKey]int)
	for _, e := range s.entries {
		s.all[e.key]++
		if e.id == "" {
			s.withoutID[e.key]++
		} else {
			s.byID[idKey{e.key, e.id}]++
		}
	}
}
