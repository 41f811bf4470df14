package view

import (
	"io"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func TestAppStatus(t *testing.T) {
	const staying, going = fal.RunnerNoReplace, fal.RunnerWillReplace
	for name, tt := range map[string]struct {
		rolling bool
		runners []fal.Runner
		want    string
		replace int
	}{
		"no runners":            {false, nil, StatusSettled, 0},
		"rolling":               {true, nil, StatusRolling, 0},
		"one to be replaced":    {false, []fal.Runner{{Revision: "new", State: fal.RunnerIdle, Replacement: going}}, StatusRolling, 1},
		"one was replaced":      {false, []fal.Runner{{Revision: "old", State: fal.RunnerDraining, Replacement: fal.RunnerDidReplace}}, StatusSettled, 0},
		"the new ones crash":    {true, []fal.Runner{{Revision: "old", State: fal.RunnerIdle, Replacement: going}, {Revision: "new", State: fal.RunnerCrashBackoff}}, StatusFailed, 1},
		"they crash afterwards": {false, []fal.Runner{{Revision: "new", State: fal.RunnerCrashBackoff, Replacement: staying}}, StatusFailed, 0},
		"one of two crashes":    {false, []fal.Runner{{Revision: "new", State: fal.RunnerCrashBackoff}, {Revision: "new", State: fal.RunnerIdle}}, StatusSettled, 0},
		"one starts once more":  {true, []fal.Runner{{Revision: "new", State: fal.RunnerCrashBackoff}, {Revision: "new", State: fal.RunnerSetup}, {Revision: "old", State: fal.RunnerIdle}}, StatusFailed, 0},
		"the old ones crash":    {true, []fal.Runner{{Revision: "old", State: fal.RunnerCrashBackoff}}, StatusRolling, 0},
		"it crashed and goes":   {false, []fal.Runner{{Revision: "new", State: fal.RunnerCrashBackoff, Replacement: going}}, StatusRolling, 1},
		"an unknown state":      {false, []fal.Runner{{Revision: "new", State: 42}}, StatusSettled, 0},
		"one has ended":         {false, []fal.Runner{{Revision: "old", State: fal.RunnerTerminated, Replacement: going}}, StatusSettled, 0},
	} {
		v := NewAppStatus(fal.AppInfo{Alias: "a", Revision: "new", Rolling: tt.rolling}, tt.runners)
		if v.Status != tt.want || v.ToBeReplaced != tt.replace {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestAppStatusStarting(t *testing.T) {
	start := fal.Runner{Revision: "new", State: fal.RunnerSetup}
	for name, tt := range map[string]struct {
		runners []fal.Runner
		want    bool
	}{
		"none":               {nil, false},
		"one":                {[]fal.Runner{start, {Revision: "old", State: fal.RunnerIdle}}, true},
		"another one serves": {[]fal.Runner{start, {Revision: "new", State: fal.RunnerRunning}}, false},
		"one that goes does": {[]fal.Runner{start, {Revision: "new", State: fal.RunnerRunning, Replacement: fal.RunnerWillReplace}}, true},
		"one crashes":        {[]fal.Runner{start, {Revision: "new", State: fal.RunnerCrashBackoff}}, false},
	} {
		if got := NewAppStatus(fal.AppInfo{Revision: "new"}, tt.runners).Starting(); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAppStatusGolden(t *testing.T) {
	runners := []fal.Runner{
		{Revision: revisionOld, State: fal.RunnerRunning, Replacement: fal.RunnerWillReplace}, {Revision: revisionOld, State: fal.RunnerDraining},
		{Revision: revisionNew, State: fal.RunnerRunning}, {Revision: revisionNew, State: fal.RunnerRunning}, {Revision: revisionNew, State: fal.RunnerRunning, Replacement: fal.RunnerWillReplace},
		{Revision: "x\x1b[31m", State: 42},
	}
	apps := sdkApps()
	crash := []fal.Runner{{Revision: revisionNew, State: fal.RunnerCrashBackoff}}
	for name, v := range map[string]AppStatus{
		"rolling": NewAppStatus(apps[1], runners), "settled": NewAppStatus(apps[0], nil), "failed": NewAppStatus(apps[2], crash), "odd": NewAppStatus(apps[3], nil),
	} {
		goldenObject(t, "app_status."+name, v, func(w io.Writer, p *output.Printer) error { return v.WriteText(w, p) })
	}
}
