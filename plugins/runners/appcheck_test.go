package runners

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// An app that is misspelt is told from one without runners.
func TestStopOfAnAppThatIsNotThere(t *testing.T) {
	const nothing, apps = "no runners\n", "ListAliases"
	for _, tt := range []struct {
		argv string
		code int
		err  string
		asks int // about apps
	}{
		{"stop --app chekout --yes", 3, "app chekout not found\nhint: did you mean checkout or checkouts?\n", 1},
		{"kill --app chekout --dry-run", 3, "app chekout not found", 1},
		{"stop --app checkout --app nothing-like-it --yes", 3, "app nothing-like-it not found\nhint: `fal-runners list` shows", 1},
		{"stop --app asleep --yes", 0, nothing, 1},
		{"stop --app asleep --state idle --dry-run", 0, nothing, 1},
		{"stop --app checkout--stagin --yes", 3, "app checkout--stagin not found", 1},
		{"stop --app chekout--staging --yes", 3, "did you mean checkout--staging?", 1},
		{"stop --app checkout --state crash_backoff --yes", 0, nothing, 0},
		{"stop --app checkout --yes", 0, "", 0},
	} {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.SetApps(faltest.App{Alias: "checkout"}, faltest.App{Alias: "checkouts"}, faltest.App{Alias: "asleep"},
				faltest.App{Alias: "checkout--staging", Environment: "staging"})
			r := tm.Run(strings.Fields(tt.argv)...)
			if r.Code != tt.code || !strings.Contains(r.Err, tt.err) || tt.err == "" && r.Err != "" {
				t.Errorf("%+v", r)
			}
			if n := len(tm.Server.Calls(apps)); n != tt.asks {
				t.Errorf("%d requests for apps, want %d", n, tt.asks)
			}
			if tt.code != 0 && (tm.stopped() != nil || r.Out != "") {
				t.Errorf("stopped %q, %s", tm.stopped(), r.Out)
			}
		})
	}
}

// Whether it is there, the service may not say.
func TestStopOfAnAppThatIsNotShown(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("ListAliases", faltest.Fail(fal.CodePermissionDenied, "needs more"))
	if r := tm.Run("stop", "--app", "x", "--yes"); r.Code != 4 || !strings.Contains(r.Err, "needs more") {
		t.Errorf("%+v", r)
	}
}
