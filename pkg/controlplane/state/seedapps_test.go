package state

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// seeds is an app of two revisions that runs a program with a word of its own.
func seeds(program string) []AppSpec {
	first := AppSpec{Name: "sample", Argv: []string{program, "__sample"}, MachineTypes: []string{"S"}, MinConcurrency: 3, MaxConcurrency: 6, Message: "first"}
	second := first
	second.MachineTypes, second.Message = []string{"XS"}, "second"
	return []AppSpec{first, second}
}

func (w *world) seed(program string) *App {
	w.t.Helper()
	app, err := w.SeedApp(w.t.Context(), seeds(program)...)
	w.do(err)
	return app
}

func (w *world) revisionsOf(alias string) []RevisionInfo {
	w.t.Helper()
	list, err := w.Revisions(w.caller, "", alias)
	w.do(err)
	return list
}

func TestSeedApp(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.stranger()
	theirs := seeds("/elsewhere")[0]
	theirs.Account = "stranger"
	w.register(theirs)

	app := w.seed("/old/fal")
	revisions := w.revisionsOf("sample")
	if len(revisions) != 2 || app.Rev.RevisionID != revisions[0].RevisionID || app.MachineTypes[0] != "XS" || revisions[1].MachineTypes[0] != "S" ||
		!revisions[1].CreatedAt.Before(revisions[0].CreatedAt) || app.MinConcurrency != 3 {
		t.Fatalf("%+v of %+v", app, revisions)
	}
	if again := w.seed("/old/fal"); again != app {
		t.Errorf("a second time it is %+v", again)
	}
	older := revisions[1].RevisionID
	_, err := w.SetRevision(ctx, w.caller, "", "sample", older, Pointing{AuthMode: new(Public)})
	w.do(err)
	_, err = w.SetRevision(ctx, w.caller, "", "copy", older, Pointing{})
	w.do(err)
	_, err = w.ScaleApp(ctx, w.caller, "", "sample", SettingsChange{MinConcurrency: new(1)})
	w.do(err)

	// The program has moved: what people chose stays.
	moved := w.seed("/new/fal")
	check := func(when string) {
		t.Helper()
		for _, alias := range []string{"sample", "copy"} {
			app, err := w.App(w.caller, "", alias)
			w.do(err)
			if app.Rev.RevisionID != older || !slices.Equal(app.Rev.Argv, []string{"/new/fal", "__sample"}) {
				t.Errorf("%s: %s is %+v", when, alias, app)
			}
			if alias == "sample" && (app.MinConcurrency != 1 || AuthMode(app.AuthMode) != Public) {
				t.Errorf("%s: it is %+v", when, app)
			}
		}
		list := w.revisionsOf("sample")
		if len(list) != 2 || list[0].Argv[0] != "/new/fal" || list[1].Argv[0] != "/new/fal" || list[1].RevisionID != older {
			t.Errorf("%s: revisions %+v", when, list)
		}
		if app, _, err := w.Lookup("stranger", "sample"); err != nil || app.Rev.Argv[0] != "/elsewhere" {
			t.Errorf("%s: the stranger's is %+v, %v", when, app, err)
		}
	}
	check("moved")
	w.reopen(Options{})
	check("after a restart")
	if again := w.seed("/new/fal"); !reflect.DeepEqual(again, moved) {
		t.Errorf("seeded again it is %+v, was %+v", again, moved)
	}

	// What was deleted comes back out of what is left of it.
	_, err = w.DeleteApp(ctx, w.caller, "", "sample")
	w.do(err)
	back := w.seed("/third/fal")
	if list := w.revisionsOf("sample"); len(list) != 2 || back.Rev.RevisionID != list[0].RevisionID || back.Rev.Argv[0] != "/third/fal" || back.MinConcurrency != 3 {
		t.Errorf("it came back as %+v of %+v", back, list)
	}

	// An app of that name that runs something else is somebody's own.
	_, err = w.DeleteApp(ctx, w.caller, "", "sample")
	w.do(err)
	own := w.register(AppSpec{Name: "sample", Argv: []string{"python", "app.py"}})
	if kept := w.seed("/third/fal"); !reflect.DeepEqual(kept, own) {
		t.Errorf("an app of one's own became %+v", kept)
	}
}

// TestSeedAppIsDoneOrNot has the last of its writes fail.
func TestSeedAppIsDoneOrNot(t *testing.T) {
	w := newWorld(t, Options{})
	repair := w.sabotage("apps", "INSERT", "1")
	if app, err := w.SeedApp(t.Context(), seeds("fal")...); err == nil {
		t.Fatalf("it is %+v", app)
	}
	nothing := func(when string) {
		t.Helper()
		if _, err := w.Revisions(w.caller, "", "sample"); kind(err) != NotFound {
			t.Errorf("%s there are revisions of it: %v", when, err)
		}
	}
	nothing("after that")
	w.reopen(Options{})
	nothing("after a restart")
	repair()
	w.seed("fal")
	if list := w.revisionsOf("sample"); len(list) != 2 {
		t.Errorf("%d revisions", len(list))
	}
}

func TestSeedEnvironment(t *testing.T) {
	w := newWorld(t, Options{})
	for range 2 {
		w.do(w.SeedEnvironment(t.Context(), "staging", "x"))
		w.clock.advance(time.Second)
	}
	if list := w.Environments(w.caller); len(list) != 2 || list[1].Name != "staging" || list[1].Description != "x" {
		t.Errorf("environments %+v", list)
	}
}
