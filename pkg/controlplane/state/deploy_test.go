package state

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"
)

func TestCheckFilePath(t *testing.T) {
	for _, good := range []string{"a", "a/b.txt", ".env", "..a/b..", "é/ü", strings.Repeat("a", 4096)} {
		if err := CheckFilePath(good); err != nil {
			t.Errorf("%.80q: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "/a", "a/", "a//b", "./a", "a/../b", `a\b`, "a\x00b", "\xff", strings.Repeat("a", 4097)} {
		var failure *Error
		if err := CheckFilePath(bad); !errors.As(err, &failure) || failure.Kind != Invalid {
			t.Errorf("%.80q: %v", bad, err)
		}
	}
}

// FuzzCheckFilePath looks for a path that is let through and leaves the folder.
func FuzzCheckFilePath(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", "a/./b", "/", `C:\a`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckFilePath(name) != nil {
			return
		}
		if !fs.ValidPath(name) || path.Clean("/app/"+name) != "/app/"+name {
			t.Errorf("%q is let through", name)
		}
	})
}

func TestHealthCheckPaths(t *testing.T) {
	for path, ok := range map[string]bool{
		"/": true, "/health?deep=1": true, "/%C3%BC": true, "/ü": true,
		"": false, "health": false, "/a\nb": false, "/a\x00": false, "/a b": false, "/%zz": false, "/\u0085": false, "/\xff": false,
	} {
		check := HealthDefaults(path)
		if err := checkServing(&Serving{HealthCheck: &check}); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestProgress follows an app from a revision of one runner to the next.
func TestProgress(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	minimum := 1
	_, err := w.ScaleApp(ctx, w.caller, "", "web", SettingsChange{MinConcurrency: &minimum})
	w.do(err)
	before, err := w.App(w.caller, "", "web")
	w.do(err)
	check := func(when string, app *App, settled, superseded, failed bool, runners int) {
		t.Helper()
		p := w.Progress(app)
		if p.Settled != settled || p.Superseded != superseded || (p.Failed() != nil) != failed || len(p.Runners) != runners {
			t.Errorf("%s: %+v", when, p)
		}
	}
	check("without a runner", before, false, false, false, 0)
	old := w.runner(Idle)
	check("up", before, true, false, false, 1)
	after := w.register(AppSpec{Name: "web", Argv: []string{"web"}, MinConcurrency: 1})
	check("the earlier revision", before, false, true, false, 0)
	check("the later one", after, false, false, false, 0)
	r, err := w.CreateRunner(ctx, after, old, "test")
	w.do(err)
	check("starting", after, false, false, false, 1)
	w.failed(r.ID)
	check("failed", after, false, false, true, 1)
	_, _, err = w.Relaunch(ctx, r.ID, "test")
	w.do(err)
	w.up(r.ID)
	check("up beside the old one", after, false, false, false, 1)
	release, err := w.Lease(old, "", "")
	w.do(err)
	w.do(w.Drain(ctx, old, "test"))
	check("up beside the old one that has requests left", after, true, false, false, 1)
	release()
	check("up beside the old one that ends", after, false, false, false, 1)
	w.do(w.Ended(ctx, old, "test"))
	check("up alone", after, true, false, false, 1)
	if text := w.Progress(after).String(); text != "1 of 1 runners of the revision are up" {
		t.Error(text)
	}
}
