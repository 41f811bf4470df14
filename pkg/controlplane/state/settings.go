package state

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Settings is how an app's runners are started, and how many.
type Settings = store.Settings

// The ranges of Settings, bounds included.
const (
	maxConcurrency  = 10_000              // of min_, max_concurrency and concurrency_buffer, and of max_multiplexing
	maxPercentage   = 1_000               // of concurrency_buffer_perc
	maxDuration     = 30 * 24 * time.Hour // of every duration
	maxMachineTypes = 16
	maxRegions      = 16
)

// machineNames also holds for regions.
var machineNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// SettingsChange names new values; what is nil stays as it is. Lists are not
// empty.
type SettingsChange struct {
	MachineTypes          []string       // in the order of preference; runners here have the first
	MaxMultiplexing       *int           // requests that a runner has at once: 1 to 10,000
	MinConcurrency        *int           // runners kept at all times: 0 to 10,000
	MaxConcurrency        *int           // runners at most: 1 to 10,000, not below MinConcurrency
	ConcurrencyBuffer     *int           // runners above what requests need: 0 to 10,000
	ConcurrencyBufferPerc *int           // the same in percent: 0 to 1,000
	KeepAlive             *time.Duration // how long a runner above MinConcurrency may be idle; 0 to 30 days
	ScalingDelay          *time.Duration // how long requests wait before they start a runner; 0 to 30 days
	RequestTimeout        *time.Duration // above 0, at most 30 days
	StartupTimeout        *time.Duration // for becoming ready; above 0, at most 30 days
	Regions               []string
}

// apply returns the settings with the change, unless that makes them invalid.
func (c *SettingsChange) apply(to Settings) (Settings, error) {
	set(&to.MaxMultiplexing, c.MaxMultiplexing)
	set(&to.MinConcurrency, c.MinConcurrency)
	set(&to.MaxConcurrency, c.MaxConcurrency)
	set(&to.ConcurrencyBuffer, c.ConcurrencyBuffer)
	set(&to.ConcurrencyBufferPerc, c.ConcurrencyBufferPerc)
	set(&to.KeepAlive, c.KeepAlive)
	set(&to.ScalingDelay, c.ScalingDelay)
	set(&to.RequestTimeout, c.RequestTimeout)
	set(&to.StartupTimeout, c.StartupTimeout)
	if len(c.MachineTypes) > 0 {
		to.MachineTypes = slices.Clone(c.MachineTypes)
	}
	if len(c.Regions) > 0 {
		to.Regions = slices.Clone(c.Regions)
	}
	return to, checkSettings(&to)
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// defaultSettings are the real service's.
func defaultSettings() Settings {
	return Settings{
		MachineTypes:    []string{"XS"},
		MaxMultiplexing: 1,
		MaxConcurrency:  2,
		KeepAlive:       10 * time.Second,
		RequestTimeout:  3600 * time.Second,
		StartupTimeout:  600 * time.Second,
	}
}

// takeScale takes over what an app keeps from revision to revision.
func takeScale(to, from *Settings) {
	to.MinConcurrency, to.MaxConcurrency = from.MinConcurrency, from.MaxConcurrency
	to.ConcurrencyBuffer, to.ConcurrencyBufferPerc = from.ConcurrencyBuffer, from.ConcurrencyBufferPerc
	to.KeepAlive, to.ScalingDelay, to.RequestTimeout = from.KeepAlive, from.ScalingDelay, from.RequestTimeout
	to.Regions = from.Regions
}

// takeCode takes over what comes from the revision whenever an app is pointed
// at one.
func takeCode(to, from *Settings) {
	to.MachineTypes, to.MaxMultiplexing, to.StartupTimeout = from.MachineTypes, from.MaxMultiplexing, from.StartupTimeout
}

func checkSettings(s *Settings) error {
	for _, number := range []struct {
		name              string
		value, least, top int
	}{
		{"max_multiplexing", s.MaxMultiplexing, 1, maxConcurrency},
		{"min_concurrency", s.MinConcurrency, 0, maxConcurrency},
		{"max_concurrency", s.MaxConcurrency, 1, maxConcurrency},
		{"concurrency_buffer", s.ConcurrencyBuffer, 0, maxConcurrency},
		{"concurrency_buffer_perc", s.ConcurrencyBufferPerc, 0, maxPercentage},
	} {
		if number.value < number.least || number.value > number.top {
			return fail(Invalid, "%s %d is out of range: %d to %d", number.name, number.value, number.least, number.top)
		}
	}
	if s.MinConcurrency > s.MaxConcurrency {
		return fail(Invalid, "min_concurrency %d is above max_concurrency %d", s.MinConcurrency, s.MaxConcurrency)
	}
	for _, duration := range []struct {
		name   string
		value  time.Duration
		zeroes bool
	}{
		{"keep_alive", s.KeepAlive, true},
		{"scaling_delay", s.ScalingDelay, true},
		{"request_timeout", s.RequestTimeout, false},
		{"startup_timeout", s.StartupTimeout, false},
	} {
		if err := checkDuration(duration.name, duration.value, duration.zeroes); err != nil {
			return err
		}
	}
	if err := checkNames("machine type", s.MachineTypes, maxMachineTypes); err != nil {
		return err
	}
	if len(s.MachineTypes) == 0 {
		return fail(Invalid, "no machine type is named")
	}
	return checkNames("region", s.Regions, maxRegions)
}

func checkDuration(name string, d time.Duration, zeroes bool) error {
	switch {
	case d < 0, d > maxDuration:
		return fail(Invalid, "%s %s is out of range: 0s to %s (30 days)", name, brief(d), brief(maxDuration))
	case d == 0 && !zeroes:
		return fail(Invalid, "%s 0s is out of range: it is above 0s, and at most %s (30 days)", name, brief(maxDuration))
	}
	return nil
}

// brief writes a duration as people type it: "720h", not "720h0m0s".
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func checkNames(what string, names []string, most int) error {
	if len(names) > most {
		return fail(Invalid, "%d %ss are named, %d is the most", len(names), what, most)
	}
	for i, name := range names {
		if !machineNames.MatchString(name) {
			return fail(Invalid, "%.80q is no %s: it begins with a letter or digit and has at most 64 letters, digits, dots, hyphens and underscores", name, what)
		}
		if slices.Contains(names[:i], name) {
			return fail(Invalid, "%s %s is named twice", what, name)
		}
	}
	return nil
}
