package view

import (
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// goldenList holds rows in every format, in a pipe and on a terminal, against
// the golden files called name.
func goldenList[T any](t *testing.T, name string, v output.View[T], rows []T, width int) {
	t.Helper()
	for _, format := range output.Formats() {
		for _, terminal := range []bool{false, true} {
			file := name + "." + string(format)
			if terminal {
				file += ".terminal"
			}
			t.Run(file, func(t *testing.T) {
				streams, _, out, errout := iostreams.Test()
				streams.SetTerminal(terminal, terminal, terminal)
				streams.SetWidth(width)
				p := output.New(streams, output.Options{Format: format, Explicit: true})
				if err := output.List(t.Context(), p, v, append([]T{}, rows...)); err != nil {
					t.Fatal(err)
				}
				golden(t, file, append(out.Bytes(), errout.Bytes()...))
			})
		}
	}
}

func viewKeys() []Key {
	var rows []Key
	for _, k := range []fal.KeyInfo{
		{ID: "7d1e91c0-0000-4000-8000-000000000003", Description: "[red]:fire:\x1b[31m\x07 \"x\"\u2028<&>", Scope: fal.KeyScopeAPI, CreatedAt: noon().Add(-41 * time.Second)},
		{ID: "19aa4c02-0000-4000-8000-000000000001", Description: "old ci", Scope: fal.KeyScopeAdmin, CreatedAt: time.Date(2026, 1, 2, 4, 4, 5, 678901999, time.FixedZone("x", 3600))},
		{ID: "d0000000-0000-4000-8000-000000000004", Scope: 42, CreatedAt: noon().Add(time.Hour)},
		{ID: "ffffffff-0000-4000-8000-000000000005", Scope: fal.KeyScopeAPI},
	} {
		rows = append(rows, NewKey(k, "19aa4c02-0000-4000-8000-000000000001", noon()))
	}
	return rows
}

func TestKeysGolden(t *testing.T) { goldenList(t, "keys", Keys(), viewKeys(), 80) }

func TestKeyActionsGolden(t *testing.T) {
	scope, description, text := "ADMIN", "old ci", "key ffff is not there"
	goldenList(t, "key_actions", KeyActions(), []KeyAction{
		{KeyID: "19aa4c02-0000-4000-8000-000000000001", Scope: &scope, Description: &description, Action: "revoke", Result: "done"},
		{KeyID: "ffffffff-0000-4000-8000-000000000005", Action: "revoke", Result: "failed", Error: &text},
	}, 120)
}

// A key that is asked with is not one whose id is not known.
func TestKeyInUse(t *testing.T) {
	if NewKey(fal.KeyInfo{}, "", noon()).InUse {
		t.Error("no key is in use, and one is said to be")
	}
}

func TestKeySummary(t *testing.T) {
	for want, k := range map[string]Key{
		"API":                     {Scope: "API"},
		`ADMIN, "old ci"`:         {Scope: "ADMIN", Description: "old ci"},
		`ADMIN, "a\nb\"", in use`: {Scope: "ADMIN", Description: "a\nb\"", InUse: true},
	} {
		if got := k.Summary(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
