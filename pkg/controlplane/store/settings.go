package store

import (
	"encoding/json"
	"time"
)

// Settings is what apps and revisions have in common: how runners are started
// and how many.
type Settings struct {
	MachineTypes          []string
	MaxMultiplexing       int
	MinConcurrency        int
	MaxConcurrency        int
	ConcurrencyBuffer     int
	ConcurrencyBufferPerc int
	KeepAlive             time.Duration
	ScalingDelay          time.Duration
	RequestTimeout        time.Duration
	StartupTimeout        time.Duration
	Regions               []string // nil for any
}

// The columns of Settings; settingValues and scanSettings keep to their order.
const (
	settingColumns = `machine_types, max_multiplexing, min_concurrency, max_concurrency, concurrency_buffer, concurrency_buffer_perc,
		keep_alive, scaling_delay, request_timeout, startup_timeout, regions`
	settingMarks = `?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`
)

func settingValues(s *Settings) ([]any, error) {
	machines, err := json.Marshal(s.MachineTypes)
	if err != nil {
		return nil, err
	}
	regions, err := json.Marshal(s.Regions)
	if err != nil {
		return nil, err
	}
	return []any{string(machines), s.MaxMultiplexing, s.MinConcurrency, s.MaxConcurrency, s.ConcurrencyBuffer, s.ConcurrencyBufferPerc,
		s.KeepAlive.Microseconds(), s.ScalingDelay.Microseconds(), s.RequestTimeout.Microseconds(), s.StartupTimeout.Microseconds(),
		string(regions)}, nil
}

// scannedSettings takes the columns of Settings out of a row.
type scannedSettings struct {
	settings                        Settings
	machines, regions               string
	keepAlive, delay, request, boot int64
}

func (s *scannedSettings) targets() []any {
	return []any{&s.machines, &s.settings.MaxMultiplexing, &s.settings.MinConcurrency, &s.settings.MaxConcurrency,
		&s.settings.ConcurrencyBuffer, &s.settings.ConcurrencyBufferPerc, &s.keepAlive, &s.delay, &s.request, &s.boot, &s.regions}
}

func (s *scannedSettings) value() (Settings, error) {
	v := s.settings
	v.KeepAlive, v.ScalingDelay = span(s.keepAlive), span(s.delay)
	v.RequestTimeout, v.StartupTimeout = span(s.request), span(s.boot)
	if err := json.Unmarshal([]byte(s.machines), &v.MachineTypes); err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(s.regions), &v.Regions)
}

// span is a duration as it is stored: in microseconds.
func span(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
