package runners

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// Where an app is named instead of a runner, the hint is the line for the app.
func TestAppInsteadOfRunner(t *testing.T) {
	for _, tt := range []struct {
		argv string
		code int
		err  string
		asks int // about apps
	}{
		{"logs checkout", 3, "error: runner checkout not found: checkout is an app\nhint: fal-runners logs app/checkout\n", 1},
		{"logs checkout--staging -f", 3, "checkout--staging is an app\nhint: fal-runners logs app/checkout--staging\n", 1},
		{"describe checkout", 3, "checkout is an app\nhint: fal apps describe checkout\n", 1},
		{"exec checkout -- ls", 255, "checkout is an app\nhint: `fal-runners list --app checkout -o name` names its runners\n", 1},
		{"stop checkout", 3, "checkout is an app\nhint: fal-runners stop --app checkout\n", 1},
		{"kill checkout --dry-run", 3, "checkout is an app\nhint: fal-runners kill --app checkout\n", 1},
		{"logs chekout", 3, "error: runner chekout not found\nhint: `fal-runners list` shows those that are alive\n", 1},
		{"stop checkout--stagin", 3, "error: runner checkout--stagin not found\nhint: `fal-runners list`", 1},
		{"stop --dry-run 00000000-0000-4000-8000-000000000000", 3, "not found\nhint: `fal-runners list`", 0},
		{"stop 9c1d --yes", 0, "", 0},
	} {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.SetApps(faltest.App{Alias: "checkout"}, faltest.App{Alias: "checkout--staging", Environment: "staging"})
			r := tm.Run(strings.Fields(tt.argv)...)
			if r.Code != tt.code || !strings.Contains(r.Err, tt.err) {
				t.Errorf("%+v", r)
			}
			if n := len(tm.Server.Calls("ListAliases")); n != tt.asks {
				t.Errorf("%d requests for apps, want %d", n, tt.asks)
			}
		})
	}
	tm := newTerm(t)
	tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodePermissionDenied, "not yours") })
	tm.Want(tm.Run("stop", "checkout"), 3, "", "error: runner checkout not found\nhint: `fal-runners list` shows those that are alive\n")
}
