package view

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
)

func TestRollbackLines(t *testing.T) {
	app := fal.AppInfo{Alias: "checkout--staging", Environment: "staging", Revision: "66", AuthMode: fal.AuthShared}
	app.MachineTypes, app.MaxMultiplexing, app.StartupTimeout = []string{"GPU-H200"}, 1, 10*time.Minute
	from := fal.Revision{ID: "66", CreatedAt: time.Date(2026, 11, 21, 13, 58, 59, 0, time.UTC)}
	to := fal.Revision{ID: "55", CreatedAt: time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC)}
	to.MachineTypes, to.MaxMultiplexing, to.StartupTimeout = []string{"GPU-H100", "A\x1b[31m"}, 1, 10*time.Minute
	tokyo := time.FixedZone("Tokyo", 9*3600)
	for _, tt := range []struct {
		name   string
		change func(app *fal.AppInfo, from, to *fal.Revision)
		want   string
	}{
		{"what changes", func(*fal.AppInfo, *fal.Revision, *fal.Revision) {},
			"checkout  66 (2026-11-21 22:58)  →  55 (2026-11-20 18:12)|  machine_types  GPU-H200 → GPU-H100 A\\x1b[31m|  auth           shared, as before"},
		{"nothing but the revision", func(a *fal.AppInfo, _, to *fal.Revision) { to.MachineTypes = a.MachineTypes },
			"checkout  66 (2026-11-21 22:58)  →  55 (2026-11-20 18:12)|  machine_types  GPU-H200, as before|  auth           shared, as before"},
		{"seconds apart", func(a *fal.AppInfo, from, to *fal.Revision) {
			a.MachineTypes, to.CreatedAt = to.MachineTypes, from.CreatedAt.Add(-9*time.Second)
		},
			"checkout  66 (2026-11-21 22:58:59)  →  55 (2026-11-21 22:58:50)|  machine_types  GPU-H100 A\\x1b[31m, as before|  auth           shared, as before"},
		{"less than a second apart", func(a *fal.AppInfo, from, to *fal.Revision) {
			a.MachineTypes, to.CreatedAt = to.MachineTypes, from.CreatedAt.Add(time.Millisecond)
		},
			"checkout  66 (2026-11-21 22:58:59.000000)  →  55 (2026-11-21 22:58:59.001000)|  machine_types  GPU-H100 A\\x1b[31m, as before|  auth           shared, as before"},
		{"at no time that is known", func(a *fal.AppInfo, from, to *fal.Revision) {
			a.MachineTypes, from.CreatedAt, to.CreatedAt = to.MachineTypes, time.Time{}, time.Time{}
		},
			"checkout  66  →  55|  machine_types  GPU-H100 A\\x1b[31m, as before|  auth           shared, as before"},
		{"all that can", func(_ *fal.AppInfo, from, to *fal.Revision) {
			from.CreatedAt, to.MachineTypes, to.MaxMultiplexing, to.StartupTimeout = time.Time{}, nil, 4, 90*time.Second
		}, "checkout  66  →  55 (2026-11-20 18:12)|  machine_types     GPU-H200 → -|  max_multiplexing  1 → 4|  startup_timeout   10m → 1m30s|  auth              shared, as before"},
	} {
		app, from, to := app, from, to
		tt.change(&app, &from, &to)
		if got := strings.Join(NewRollback(app, from, to).Lines(tokyo), "|"); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// The keys of the contracts of what is changed, and their types.
func TestActionContracts(t *testing.T) {
	revision, previous, auth, text := "55", "66", "public", "it is gone"
	far, ended := &RunnersReplaced{Replaced: 1, Total: 2, Seconds: 38}, &RunnersEnded{Ended: 1, Total: 2, Seconds: 38}
	app := fal.AppInfo{Alias: "checkout", Revision: "66"}
	app.MaxMultiplexing, app.StartupTimeout = 2, time.Minute
	to := fal.Revision{ID: "55", CreatedAt: time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC)}
	rollback := NewRollback(app, fal.Revision{ID: "66", CreatedAt: to.CreatedAt.Add(time.Hour)}, to)
	rollback.Result = "would"
	for _, tt := range []struct {
		value any
		want  string
	}{
		{AppAction{Alias: "checkout--qa", Action: "set-rev", Result: "done", Created: true, PreviousRevision: &previous, Revision: &revision, AuthMode: &auth, Runners: far},
			`{"alias":"checkout--qa","action":"set-rev","result":"done","created":true,"previous_revision":"66","revision":"55","auth_mode":"public","runners":{"replaced":1,"total":2,"seconds":38},"error":null}`},
		{AppAction{Alias: "checkout", Action: "rollout", Result: "accepted"},
			`{"alias":"checkout","action":"rollout","result":"accepted","created":false,"previous_revision":null,"revision":null,"auth_mode":null,"runners":null,"error":null}`},
		{AppDeletion{Alias: "checkout", Action: "delete", Result: "skipped", Error: &text},
			`{"alias":"checkout","action":"delete","result":"skipped","revision":null,"runners":null,"error":"it is gone"}`},
		{AppDeletion{Alias: "checkout", Action: "delete", Result: "done", Runners: ended},
			`{"alias":"checkout","action":"delete","result":"done","revision":null,"runners":{"ended":1,"total":2,"seconds":38},"error":null}`},
		{RevisionAction{Revision: "55", Action: "delete-rev", Result: "done"},
			`{"revision":"55","action":"delete-rev","result":"done","error":null}`},
		{rollback, `{"alias":"checkout","action":"rollback","result":"would","previous_revision":"66","previous_created_at":"2026-11-20 10:12:00+00:00",` +
			`"revision":"55","created_at":"2026-11-20 09:12:00+00:00","previous_machine_types":[],"machine_types":[],` +
			`"previous_max_multiplexing":2,"max_multiplexing":0,"previous_startup_timeout":60,"startup_timeout":0,"auth_mode":"private","runners":null}`},
	} {
		got, err := json.Marshal(tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, tt.want)
		}
	}
}

func TestRunnersReplacedText(t *testing.T) {
	for _, tt := range []struct {
		r    RunnersReplaced
		want string
	}{
		{RunnersReplaced{}, "no runner had to be replaced"},
		{RunnersReplaced{Replaced: 1, Total: 1}, "1 of 1 runner replaced (0s)"},
		{RunnersReplaced{Replaced: 4, Total: 4, Seconds: 98}, "4 of 4 runners replaced (1m38s)"},
	} {
		if got := tt.r.Summary("replaced"); got != tt.want {
			t.Errorf("%+v: %q", tt.r, got)
		}
	}
}
