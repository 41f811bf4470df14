package state

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// together runs functions at the same moment and returns their errors.
func together(calls ...func() error) []error {
	errs := make([]error, len(calls))
	begin := make(chan struct{})
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() {
			<-begin
			errs[i] = call()
		})
	}
	close(begin)
	running.Wait()
	return errs
}

// TestNoChangeOfAnAppIsLost has many callers each change what no other one does,
// while the app is deployed, which keeps all of that.
func TestNoChangeOfAnAppIsLost(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.register(full("app"))
	for round := 1; round <= 10; round++ {
		d := time.Duration(round) * time.Minute
		var calls []func() error
		for _, change := range []SettingsChange{
			{MinConcurrency: &round}, {MaxConcurrency: new(100 + round)}, {ConcurrencyBuffer: &round}, {ConcurrencyBufferPerc: &round},
			{KeepAlive: &d}, {ScalingDelay: &d}, {RequestTimeout: &d},
		} {
			calls = append(calls, func() error {
				_, err := w.ScaleApp(ctx, w.caller, "", "app", change)
				return err
			})
		}
		for range 2 {
			calls = append(calls, func() error { _, err := w.RegisterApp(ctx, full("app")); return err })
		}
		for _, err := range together(calls...) {
			w.do(err)
		}
		app, err := w.App(w.caller, "", "app")
		w.do(err)
		s := app.Settings
		if s.MinConcurrency != round || s.MaxConcurrency != 100+round || s.ConcurrencyBuffer != round || s.ConcurrencyBufferPerc != round ||
			s.KeepAlive != d || s.ScalingDelay != d || s.RequestTimeout != d {
			t.Fatalf("in round %d a change was lost: %+v", round, s)
		}
	}
}

func TestOneSecretIsSetByManyAtOnce(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	for round := range 10 {
		name := fmt.Sprintf("S%d", round)
		var calls []func() error
		for i := range 8 {
			calls = append(calls, func() error { return w.SetSecret(t.Context(), w.caller, "", name, fmt.Sprint(i), nil) })
		}
		for _, err := range together(calls...) {
			w.do(err)
		}
	}
	before, _ := w.variables("main", nil)
	w.reopen(Options{Vault: plain{}})
	if after, _ := w.variables("main", nil); after != before {
		t.Errorf("secrets %q, after a restart %q", before, after)
	}
}

func TestOneEnvironmentIsCreatedByManyAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	for round := range 10 {
		var calls []func() error
		for range 8 {
			calls = append(calls, func() error {
				_, err := w.CreateEnvironment(t.Context(), w.caller, fmt.Sprintf("e%d", round), "")
				return err
			})
		}
		created := 0
		for _, err := range together(calls...) {
			if err == nil {
				created++
			} else {
				fails(t, "one more", err, Exists)
			}
		}
		if created != 1 {
			t.Errorf("created %d times", created)
		}
	}
}

// TestNothingIsPutIntoAnEnvironmentThatIsDeleted lets either come first; then
// the other one fails, but that revisions go with the environment.
func TestNothingIsPutIntoAnEnvironmentThatIsDeleted(t *testing.T) {
	for name, put := range map[string]func(w *world, environment string) error{
		"secret": func(w *world, environment string) error {
			return w.SetSecret(w.t.Context(), w.caller, environment, "S", "v", nil)
		},
		"app": func(w *world, environment string) error {
			_, err := w.RegisterApp(w.t.Context(), AppSpec{Name: "app--" + environment, Environment: environment, Argv: []string{"x"}})
			return err
		},
		"revision": func(w *world, environment string) error {
			_, err := w.RegisterRevision(w.t.Context(), AppSpec{Name: "app--" + environment, Environment: environment, Argv: []string{"x"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{Vault: plain{}})
			ctx := t.Context()
			for round := range 30 {
				environment := fmt.Sprintf("e%d", round)
				_, err := w.CreateEnvironment(ctx, w.caller, environment, "")
				w.do(err)
				errs := together(
					func() error { return put(w, environment) },
					func() error { return w.DeleteEnvironment(ctx, w.caller, environment) })
				if putting, deleting := errs[0], errs[1]; deleting == nil && putting != nil {
					fails(t, "putting", putting, NotFound, environment)
				} else if putting != nil || (deleting == nil) != (name == "revision") {
					t.Errorf("putting %v, deleting %v", putting, deleting)
				} else if deleting != nil {
					fails(t, "deleting", deleting, Conflict, environment)
				}
			}
			for _, r := range w.revisions {
				if _, err := w.environment(r.Account, r.Environment); err != nil {
					t.Errorf("revision %s is in no environment: %v", r.RevisionID, err)
				}
			}
			kept := len(w.revisions)
			w.reopen(Options{Vault: plain{}})
			if len(w.revisions) != kept {
				t.Errorf("%d revisions, after a restart %d", kept, len(w.revisions))
			}
		})
	}
}
