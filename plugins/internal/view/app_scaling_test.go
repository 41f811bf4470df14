package view

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func scalings() []AppScaling {
	apps := viewApps()
	refused := "refused\x07"
	failed := NewAppScaling(apps[0], apps[0], nil, ScalingFailed)
	failed.Error = &refused
	return []AppScaling{
		NewAppScaling(apps[0], apps[2], []string{"keep_alive"}, ScalingDone),
		NewAppScaling(apps[1], apps[2], []string{"startup_timeout", "min_concurrency"}, ScalingWould),
		NewAppScaling(apps[3], apps[0], nil, ScalingDone),
		failed,
	}
}

// Every setting of an app in a list can be shown as a change, under its key.
func TestSettingsAreTheKeysOfAnApp(t *testing.T) {
	other := []string{"alias", "revision", "auth_mode", "active_runners", "environment_name", "name", "is_rolling"}
	app := keysOf(t, viewApps()[1])
	for _, s := range settings() {
		other = append(other, s.key)
		a, err := json.Marshal(app[s.key])
		b, err2 := json.Marshal(s.of(viewApps()[1]))
		if err != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s is %s in a list, and %s as a setting", s.key, a, b)
		}
	}
	slices.Sort(other)
	for key := range app {
		if _, ok := slices.BinarySearch(other, key); !ok {
			t.Errorf("%s is no setting", key)
		}
	}
	if len(other) != len(app) {
		t.Errorf("%d keys, want %d", len(other), len(app))
	}
}

func TestAppScalingsGolden(t *testing.T) {
	eachFormat(t, "app_scalings", func(t *testing.T, name string, format output.Format, terminal bool) {
		if format != output.Pretty && format != output.Wide { // people get sentences
			golden(t, name, printed(t, format, terminal, AppScalings(), scalings()))
			return
		}
		streams, _, out, _ := iostreams.Test()
		streams.SetTerminal(terminal, terminal, terminal)
		p := output.New(streams, output.Options{Format: format, Explicit: true})
		for _, v := range scalings() {
			if err := v.WriteText(streams.Out, p); err != nil {
				t.Fatal(err)
			}
		}
		if err := streams.Flush(); err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(out.Bytes(), "\x07") {
			t.Error("a control character was printed")
		}
		golden(t, name, out.Bytes())
	})
}
