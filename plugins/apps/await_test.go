package apps

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func TestRolloutProgress(t *testing.T) {
	const target = "new"
	runner := func(id, revision string, state fal.RunnerState) fal.Runner {
		return fal.Runner{ID: id, Revision: revision, State: state}
	}
	scheduled := func(r fal.Runner) fal.Runner {
		r.Replacement = fal.RunnerWillReplace
		return r
	}
	replaced := func(r fal.Runner) fal.Runner {
		r.Replacement = fal.RunnerDidReplace
		return r
	}
	settled, rolling := fal.AppInfo{Revision: target}, fal.AppInfo{Revision: target, Rolling: true}
	due := settled
	due.MinConcurrency, due.MaxConcurrency = 1, 2
	capped := settled
	capped.MinConcurrency = 1
	begun := map[string]bool{"a": true, "b": true}
	for _, tt := range []struct {
		name    string
		app     fal.AppInfo
		before  map[string]bool
		runners []fal.Runner
		over    bool
		far     string
		err     string
	}{
		{"nothing is under way", settled, nil, []fal.Runner{runner("a", target, fal.RunnerIdle)}, true, "0 of 0 runners", ""},
		{"the first one starts", due, nil, []fal.Runner{runner("a", target, fal.RunnerPending)}, false, "0 of 0 runners", ""},
		{"the first one is due", due, nil, nil, false, "0 of 0 runners", ""},
		{"the first one is up", due, nil, []fal.Runner{runner("a", target, fal.RunnerIdle)}, true, "0 of 0 runners", ""},
		{"the first one crashes", due, nil, []fal.Runner{runner("a", target, fal.RunnerCrashBackoff)}, false, "0 of 0 runners", "app checkout: revision new crashes, its runner a is in CRASH_BACKOFF"},
		{"none is wanted, and one starts", settled, nil, []fal.Runner{runner("a", target, fal.RunnerSetup)}, false, "0 of 0 runners", ""},
		{"none is wanted, one serves and one starts", settled, nil, []fal.Runner{runner("a", target, fal.RunnerIdle), runner("b", target, fal.RunnerSetup)}, true, "0 of 0 runners", ""},
		{"none can be", capped, nil, nil, true, "0 of 0 runners", ""},
		{"nothing runs", settled, nil, nil, true, "0 of 0 runners", ""},
		{"the service says that it rolls", rolling, nil, []fal.Runner{runner("a", target, fal.RunnerIdle)}, false, "0 of 0 runners", ""},
		{"one of another revision", settled, nil, []fal.Runner{runner("a", "old", fal.RunnerDraining), runner("c", target, fal.RunnerIdle)}, false, "0 of 1 runner", ""},
		{"one of another revision has ended", settled, nil, []fal.Runner{runner("a", "old", fal.RunnerTerminated), runner("c", target, fal.RunnerIdle)}, true, "0 of 0 runners", ""},
		{"one is scheduled", settled, nil, []fal.Runner{scheduled(runner("a", target, fal.RunnerRunning))}, false, "0 of 1 runner", ""},
		{"one was replaced and drains", settled, begun, []fal.Runner{replaced(runner("a", target, fal.RunnerDraining)), runner("c", target, fal.RunnerIdle)}, true, "2 of 2 runners", ""},
		{"one of two is gone", settled, begun, []fal.Runner{runner("a", target, fal.RunnerIdle), runner("c", target, fal.RunnerIdle)}, false, "1 of 2 runners", ""},
		{"not begun yet", settled, begun, []fal.Runner{runner("a", target, fal.RunnerIdle), runner("b", target, fal.RunnerIdle)}, false, "0 of 2 runners", ""},
		{"one more than there were", settled, begun, []fal.Runner{runner("a", "old", fal.RunnerIdle), runner("z", "old", fal.RunnerSetup)}, false, "1 of 3 runners", ""},
		{"all are gone", settled, begun, []fal.Runner{runner("c", target, fal.RunnerRunning)}, true, "2 of 2 runners", ""},
		{"the new ones start", settled, begun, []fal.Runner{runner("c", target, fal.RunnerSetup)}, false, "2 of 2 runners", ""},
		{"the new ones are pulled", settled, begun, []fal.Runner{runner("c", target, fal.RunnerDockerPull)}, false, "2 of 2 runners", ""},
		{"one serves and one starts", settled, begun, []fal.Runner{runner("c", target, fal.RunnerIdle), runner("d", target, fal.RunnerPending)}, true, "2 of 2 runners", ""},
		{"no new one is due", settled, begun, nil, true, "2 of 2 runners", ""},
		{"no new one can be", capped, begun, nil, true, "2 of 2 runners", ""},
		{"a new one is due", due, begun, nil, false, "2 of 2 runners", ""},
		{"a state that nobody knows", settled, begun, []fal.Runner{runner("c", target, 42)}, true, "2 of 2 runners", ""},
		{"a new one crashes", rolling, begun, []fal.Runner{runner("a", "old", fal.RunnerIdle), runner("c", target, fal.RunnerCrashBackoff)}, false, "1 of 2 runners", "app checkout: revision new crashes, its runner c is in CRASH_BACKOFF"},
		{"one of two new ones crashes", rolling, begun, []fal.Runner{runner("a", "old", fal.RunnerIdle), runner("c", target, fal.RunnerCrashBackoff), runner("d", target, fal.RunnerIdle)}, false, "1 of 2 runners", ""},
		{"one that crashes is replaced", rolling, begun, []fal.Runner{runner("a", target, fal.RunnerCrashBackoff)}, false, "1 of 2 runners", ""},
		{"one that crashes is scheduled", rolling, nil, []fal.Runner{scheduled(runner("a", target, fal.RunnerCrashBackoff))}, false, "0 of 1 runner", ""},
		{"an old one crashes", rolling, nil, []fal.Runner{runner("a", "old", fal.RunnerCrashBackoff)}, false, "0 of 1 runner", ""},
		{"it points elsewhere", fal.AppInfo{Revision: "third"}, begun, nil, false, "2 of 2 runners", "checkout points to revision third now, and not to new any more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &rolloutProgress{name: "checkout", revision: target, before: tt.before}
			over, err := p.look(tt.app, tt.runners)
			if over != tt.over || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("over %t, %v", over, err)
			}
			if err != nil && cli.ExitCode(err) != cli.ExitFailure {
				t.Errorf("exit %d", cli.ExitCode(err))
			}
			if got := p.far().Text("replaced"); got != tt.far+" replaced" {
				t.Errorf("%q, want %q", got, tt.far)
			}
		})
	}
}

// What was once seen to be under way is waited for to the end, and counted.
func TestRolloutProgressRemembers(t *testing.T) {
	old := func(id string) fal.Runner { return fal.Runner{ID: id, Revision: "old", State: fal.RunnerIdle} }
	starting := fal.Runner{ID: "c", Revision: "new", State: fal.RunnerSetup}
	serving := fal.Runner{ID: "c", Revision: "new", State: fal.RunnerIdle}
	p := &rolloutProgress{name: "checkout"}
	for i, step := range []struct {
		runners []fal.Runner
		over    bool
		far     view.RunnersReplaced
	}{
		{[]fal.Runner{old("a"), old("b")}, false, view.RunnersReplaced{Total: 2}},
		{[]fal.Runner{old("b"), starting}, false, view.RunnersReplaced{Replaced: 1, Total: 2}},
		{[]fal.Runner{starting}, false, view.RunnersReplaced{Replaced: 2, Total: 2}},
		{[]fal.Runner{serving}, true, view.RunnersReplaced{Replaced: 2, Total: 2}},
	} {
		over, err := p.look(fal.AppInfo{Revision: "new"}, step.runners)
		if err != nil || over != step.over || p.far() != step.far {
			t.Errorf("look %d: over %t, %v, %v", i, over, p.far(), err)
		}
	}
	if _, err := p.look(fal.AppInfo{Revision: "other"}, nil); err == nil || !strings.Contains(err.Error(), "points to revision other") {
		t.Errorf("the revision of the first look was forgotten: %v", err)
	}
}

// What a wait says when its time is up is what it waits for.
func TestRolloutStanding(t *testing.T) {
	runner := func(id, revision string, state fal.RunnerState) fal.Runner {
		return fal.Runner{ID: id, Revision: revision, State: state}
	}
	rolling := fal.AppInfo{Revision: "new", Rolling: true}
	due := rolling
	due.MinConcurrency, due.MaxConcurrency = 1, 2
	for want, tt := range map[string]struct {
		app     fal.AppInfo
		before  map[string]bool
		runners []fal.Runner
	}{
		"2 old runners still ending":                  {rolling, map[string]bool{"a": true, "b": true}, []fal.Runner{runner("a", "new", fal.RunnerDraining), runner("b", "new", fal.RunnerTerminating), runner("c", "new", fal.RunnerIdle)}},
		"1 new runner still starting":                 {rolling, map[string]bool{"a": true}, []fal.Runner{runner("c", "new", fal.RunnerSetup)}},
		"no new runner yet":                           {due, map[string]bool{"a": true}, nil},
		"the service says that it is still under way": {rolling, nil, []fal.Runner{runner("c", "new", fal.RunnerIdle)}},
		"1 of 2 runners replaced, 1 old runner still ending, 1 new runner in CRASH_BACKOFF": {rolling, map[string]bool{"a": true, "b": true},
			[]fal.Runner{runner("a", "old", fal.RunnerDraining), runner("c", "new", fal.RunnerIdle), runner("d", "new", fal.RunnerCrashBackoff)}},
	} {
		p := &rolloutProgress{name: "checkout", revision: "new", before: tt.before}
		if over, err := p.look(tt.app, tt.runners); over || err != nil || p.standing() != want {
			t.Errorf("%q, want %q (over %t, %v)", p.standing(), want, over, err)
		}
	}
	if got := (&rolloutProgress{}).standing(); got != "the service did not answer" {
		t.Errorf("before the first look: %q", got)
	}
}
