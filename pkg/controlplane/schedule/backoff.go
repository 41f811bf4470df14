package schedule

import "time"

// The bounds of Backoff.
const (
	FirstDelay   = time.Second
	LongestDelay = time.Minute
)

// Backoff returns how long to wait after so many failures in a row: FirstDelay
// after one, doubling with each, LongestDelay at most, and nothing for none.
func Backoff(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	delay := FirstDelay
	for range failures - 1 {
		if delay *= 2; delay >= LongestDelay {
			return LongestDelay
		}
	}
	return delay
}
