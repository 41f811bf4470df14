package progress

import "time"

// window is how far back the bytes of a second are counted.
const window = 4 * time.Second

// speed tells from samples how many bytes a second are done.
type speed struct {
	at    []time.Time
	bytes []int64
}

func (s *speed) add(now time.Time, bytes int64) {
	s.at, s.bytes = append(s.at, now), append(s.bytes, bytes)
	drop := 0
	for drop < len(s.at)-2 && now.Sub(s.at[drop+1]) >= window {
		drop++
	}
	s.at, s.bytes = s.at[drop:], s.bytes[drop:]
}

// rate is the bytes a second; 0 while it is not known.
func (s *speed) rate() float64 {
	if len(s.at) < 2 {
		return 0
	}
	last := len(s.at) - 1
	took := s.at[last].Sub(s.at[0]).Seconds()
	if took <= 0 {
		return 0
	}
	return max(float64(s.bytes[last]-s.bytes[0])/took, 0)
}
