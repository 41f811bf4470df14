package cli

import (
	"math"
	"runtime"
	"runtime/debug"
)

// beforeFirstCollection is how much memory a program takes, in bytes, before it
// looks for garbage the first time.
const beforeFirstCollection = 32 << 20

// DeferCollection is for a command that has begun to gather thousands of rows:
// most end before anything was worth collecting, and a fifth of their time goes
// with it. From the first collection on everything is as usual, and called
// again before that it does nothing. Who sets GOGC or GOMEMLIMIT decides.
func DeferCollection(getenv func(string) string) {
	if getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	if percent < 0 {
		return // deferred already
	}
	debug.SetMemoryLimit(beforeFirstCollection)
	runtime.AddCleanup(new([16]byte), func(percent int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}, percent)
}
