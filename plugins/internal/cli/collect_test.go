package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestDeferCollection(t *testing.T) {
	percent := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	state := func() (percent int, limit int64) {
		percent = debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return percent, debug.SetMemoryLimit(-1)
	}

	DeferCollection(func(name string) string { return map[string]string{"GOGC": "50"}[name] })
	if p, l := state(); p != 100 || l != limit {
		t.Errorf("with GOGC the collector was set to %d%%, %d bytes", p, l)
	}

	DeferCollection(func(string) string { return "" })
	DeferCollection(func(string) string { return "" })
	if p, l := state(); p != -1 || l != beforeFirstCollection {
		t.Fatalf("the collector is set to %d%%, %d bytes", p, l)
	}
	// A cleanup runs some time after the collection that finds it due.
	for start := time.Now(); ; {
		runtime.GC()
		if p, l := state(); p == 100 && l > beforeFirstCollection {
			return
		} else if time.Since(start) > time.Minute {
			t.Fatalf("after collections the collector is set to %d%%, %d bytes", p, l)
		}
		time.Sleep(time.Millisecond)
	}
}
