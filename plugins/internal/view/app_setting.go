package view

import (
	"cmp"
	"fmt"
	"strings"
)

// setting is one of the settings by which an app scales.
type setting struct {
	key   string // of the JSON
	label string // for people
	of    func(App) any
	text  func(any) string
	// deployed settings are those of the code: each deploy sets them again.
	deployed bool
}

// settings are in the order in which people read them.
func settings() []setting {
	count := func(v any) string { return fmt.Sprint(v) }
	percent := func(v any) string { return fmt.Sprint(v) + "%" }
	length := func(v any) string { return Length(v.(int)) }
	types := func(v any) string { return machines(v.([]string)) }
	regions := func(v any) string { return cmp.Or(strings.Join(v.([]string), " "), "any") }
	return []setting{
		{key: "machine_types", label: "Machine types", deployed: true, text: types, of: func(a App) any { return a.MachineTypes }},
		{key: "valid_regions", label: "Regions", text: regions, of: func(a App) any { return a.ValidRegions }},
		{key: "min_concurrency", label: "Min concurrency", text: count, of: func(a App) any { return a.MinConcurrency }},
		{key: "max_concurrency", label: "Max concurrency", text: count, of: func(a App) any { return a.MaxConcurrency }},
		{key: "max_multiplexing", label: "Max multiplexing", deployed: true, text: count, of: func(a App) any { return a.MaxMultiplexing }},
		{key: "concurrency_buffer", label: "Concurrency buffer", text: count, of: func(a App) any { return a.ConcurrencyBuffer }},
		{key: "concurrency_buffer_perc", label: "Buffer percentage", text: percent, of: func(a App) any { return a.ConcurrencyBufferPerc }},
		{key: "scaling_delay", label: "Scaling delay", text: length, of: func(a App) any { return a.ScalingDelay }},
		{key: "keep_alive", label: "Keep alive", text: length, of: func(a App) any { return a.KeepAlive }},
		{key: "request_timeout", label: "Request timeout", text: length, of: func(a App) any { return a.RequestTimeout }},
		{key: "startup_timeout", label: "Startup timeout", deployed: true, text: length, of: func(a App) any { return a.StartupTimeout }},
	}
}
