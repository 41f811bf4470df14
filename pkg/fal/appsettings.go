package fal

import "time"

// AppSettings say where and on how many runners an app runs. The zero value
// stands for what the service does not tell, too.
type AppSettings struct {
	// KeepAlive is how long a runner without requests is kept.
	KeepAlive time.Duration
	// MinConcurrency and MaxConcurrency bound the number of runners.
	MinConcurrency, MaxConcurrency int
	// MaxMultiplexing is how many requests one runner works on at once.
	MaxMultiplexing int
	// ConcurrencyBuffer is how many runners more than needed are kept, and
	// ConcurrencyBufferPerc the same as percent of those needed.
	ConcurrencyBuffer, ConcurrencyBufferPerc int
	// ScalingDelay is how long a request waits before another runner is
	// started for it.
	ScalingDelay time.Duration
	// RequestTimeout bounds one request, StartupTimeout a runner's start.
	RequestTimeout, StartupTimeout time.Duration
	// MachineTypes are those that runners may have, the preferred first.
	MachineTypes []string
	// Regions are those where runners may be; empty: all.
	Regions []string
}

func wholeSeconds(n int32) time.Duration { return time.Duration(n) * time.Second }
