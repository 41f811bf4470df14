package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// offline is a PATH without uv, so that what is built needs no network.
func offline(t testing.TB, w *workshop) {
	t.Helper()
	var folders []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(folder, "uv")); err != nil {
			folders = append(folders, folder)
		}
	}
	w.reopen(folders...)
}

const module = `
import os, sys, threading

print("imported")

class App:
    x = 1

    @classmethod
    def build_metadata(cls):
        print("building é")
        return {"openapi": {"paths": {"/": {}}, "x": os.environ.get("X")}}

    @classmethod
    def run_local(cls, *args, exposed_port=None, exposed_metrics_port=None, **kwargs):
        main = threading.current_thread() is threading.main_thread()
        print(args, kwargs, exposed_port, exposed_metrics_port, main, os.path.basename(sys.prefix), sys.argv)

    @staticmethod
    def wrong():
        raise ValueError("no good é")

    @staticmethod
    def unserializable():
        return lambda: 1

    @staticmethod
    def leave():
        print("leaving")
        sys.exit(3)

def busy(stop):
    threading.Thread(target=__import__("time").sleep, args=(3600,)).start()
    if stop:
        sys.exit("stopped")
    return "came anyway"

def lingers():
    return busy(False)

def lingers_and_leaves():
    return busy(True)

class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")

def speechless():
    raise Speechless()

async def later():
    return "came later"

def plain():
    print("no arguments")

class Served:
    def _supports_local_serve_options(self):
        return True

    def run_local(self, *args, **kwargs):
        print(sorted(kwargs.items()))

served = Served()

def on_loop():
    import asyncio
    asyncio.get_running_loop()

    async def rest():
        print("on the loop")
    return rest()

on_loop._run_on_main_thread = True
`

func TestPython(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	var log record
	d := Definition{Kind: "virtualenv", Configuration: map[string]any{}, Files: []File{w.file("pkg/app.py", module, 0o644), w.file("pkg/__init__.py", "", 0o644), w.file("pkg/lost.py", "import gone", 0o644)}}
	env, err := w.Build(t.Context(), d, log.log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	t.Run("value", func(t *testing.T) {
		var log record
		o, err := env.With([]string{"X=42"}).Call(t.Context(), "pkg.app:App.build_metadata", log.log)
		if err != nil {
			t.Fatal(err)
		}
		if o.Raised || o.Method != "pickle" || !strings.Contains(string(o.Definition), "openapi") || !strings.Contains(string(o.Definition), "42") {
			t.Errorf("value %+v", o)
		}
		if want := "STDOUT imported\nSTDOUT building é"; log.String() != want {
			t.Errorf("log %q, want %q", &log, want)
		}
	})
	t.Run("coroutine", func(t *testing.T) {
		o, err := env.Call(t.Context(), "pkg.app:later", new(record).log)
		if err != nil || !strings.Contains(string(o.Definition), "came later") {
			t.Errorf("value %+v, %v", o, err)
		}
	})
	t.Run("a thread that goes on", func(t *testing.T) {
		o, err := env.Call(t.Context(), "pkg.app:lingers", new(record).log)
		if err != nil || !strings.Contains(string(o.Definition), "came anyway") {
			t.Errorf("value %+v, %v", o, err)
		}
		var log record
		_, err = env.Call(t.Context(), "pkg.app:lingers_and_leaves", log.log)
		if err == nil || !strings.Contains(err.Error(), "exit code 1") || !strings.Contains(log.String(), "STDERR stopped") {
			t.Errorf("error %v\n%s", err, &log)
		}
	})
	t.Run("exception without a text", func(t *testing.T) {
		o, err := env.Call(t.Context(), "pkg.app:speechless", new(record).log)
		if err != nil || !o.Raised || o.Exception != "Speechless" || !strings.Contains(o.Traceback, "speechless") {
			t.Errorf("value %+v, %v", o, err)
		}
	})
	t.Run("exception", func(t *testing.T) {
		o, err := env.Call(t.Context(), "pkg.app:App.wrong", new(record).log)
		if err != nil {
			t.Fatal(err)
		}
		if !o.Raised || o.Exception != "ValueError" || o.ExceptionString != "no good é" || !strings.Contains(string(o.Definition), "ValueError") {
			t.Errorf("value %+v", o)
		}
		lines := strings.Split(strings.TrimSpace(o.Traceback), "\n")
		if len(lines) < 2 || !strings.Contains(lines[1], "app.py") || strings.Contains(o.Traceback, "runner-") {
			t.Errorf("the traceback begins elsewhere than in the app:\n%s", o.Traceback)
		}
	})
	t.Run("value that cannot be serialized", func(t *testing.T) {
		o, err := env.Call(t.Context(), "pkg.app:App.unserializable", new(record).log)
		if err != nil || !o.Raised || !strings.Contains(o.ExceptionString, "the value cannot be serialized") {
			t.Errorf("value %+v, %v", o, err)
		}
	})
	t.Run("no such module", func(t *testing.T) {
		o, err := env.Call(t.Context(), "nowhere:App.build_metadata", new(record).log)
		if err != nil || o.Exception != "ModuleNotFoundError" || !strings.Contains(o.ExceptionString, `No module named 'nowhere': it is not among what the requirements install; add "."`) {
			t.Errorf("value %+v, %v", o, err)
		}
	})
	for entrypoint, want := range map[string]string{
		"pkg.nowhere:App.build_metadata": "ModuleNotFoundError: No module named 'pkg.nowhere': it is not among",
		"pkg.app:Ap.build_metadata":      "AttributeError: module 'pkg.app' has no attribute 'Ap'; did you mean App?",
		"pkg.app:Main.build_metadata":    "AttributeError: module 'pkg.app' has no attribute 'Main'; the apps in it are App, Served",
		"pkg.app:plan.run_local":         "AttributeError: module 'pkg.app' has no attribute 'plan'; did you mean plain?",
		"pkg.app:served.build_metadata":  "TypeError: pkg.app:served is a Served, not a subclass of fal.App",
		"pkg.app:later.run_local":        "TypeError: pkg.app:later is a function, not a subclass of fal.App",
		"pkg.app:Speechless.run_local":   "TypeError: pkg.app:Speechless is not a subclass of fal.App",
		"pkg.app:App.missing":            "AttributeError: type object 'App' has no attribute 'missing'",
		"pkg.lost:App.build_metadata":    "ModuleNotFoundError: No module named 'gone'",
	} {
		t.Run(entrypoint, func(t *testing.T) {
			o, err := env.Call(t.Context(), entrypoint, new(record).log)
			if got := o.Exception + ": " + o.ExceptionString; err != nil || !strings.HasPrefix(got, want) || strings.HasPrefix(got, want+":") {
				t.Errorf("%s, %v, want %s", got, err, want)
			}
			if !o.Raised || !strings.Contains(o.Traceback, want) || strings.Count(o.Traceback, "Error: ") != 1 {
				t.Errorf("traceback:\n%s", o.Traceback)
			}
		})
	}
	t.Run("end without a value", func(t *testing.T) {
		_, err := env.Call(t.Context(), "pkg.app:App.leave", new(record).log)
		var failure *Failure
		if !errors.As(err, &failure) || !strings.Contains(failure.Message, "ended before it returned: exit code 3") {
			t.Errorf("error %v", err)
		}
	})
	for entrypoint, want := range map[string]string{
		"pkg.app:App.run_local":    "imported\n() {} 4123 4124 True venv ['pkg.app:App.run_local']",
		"pkg.app:plain":            "imported\nno arguments",
		"pkg.app:served.run_local": "imported\n[('exposed_metrics_port', 4124), ('exposed_port', 4123)]",
		"pkg.app:on_loop":          "imported\non the loop",
	} {
		t.Run(entrypoint, func(t *testing.T) {
			mark := filepath.Join(t.TempDir(), "taken")
			p, err := env.Program(t.Context(), Callable{Entrypoint: entrypoint}, Ports{Port: 4123, Metrics: 4124, Taken: mark}, new(record).log)
			if err != nil {
				t.Fatal(err)
			}
			if p.FixedPort != 8080 {
				t.Errorf("fixed port %d, want 8080", p.FixedPort)
			}
			if out, err := w.run(t, place(t, p)); out != want || err != nil {
				t.Errorf("it wrote %q, %v, want %q", out, err, want)
			}
			if _, err := os.Stat(mark); (err == nil) != strings.Contains(want, "4123") {
				t.Errorf("whether it takes the port: %v", err)
			}
		})
	}
	t.Run("crash", func(t *testing.T) {
		p, err := env.Program(t.Context(), Callable{Entrypoint: "pkg.app:App.wrong"}, Ports{}, new(record).log)
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.run(t, place(t, p))
		if err == nil || !strings.Contains(out, "ValueError: no good é") || strings.Contains(out, "runner-") {
			t.Errorf("it wrote %q, %v", out, err)
		}
	})
	t.Run("function", func(t *testing.T) {
		// A pickle of print, and one of a call: len("abc") given to it.
		function := &Object{Method: "pickle", Definition: []byte("cbuiltins\nprint\n.")}
		p, err := env.Program(t.Context(), Callable{Function: function, Setup: &Object{Method: "pickle", Definition: []byte("cbuiltins\ndict\n.")}}, Ports{}, new(record).log)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := w.run(t, place(t, p)); out != "{}" || err != nil {
			t.Errorf("it wrote %q, %v", out, err)
		}
	})
	t.Run("function and setup of two methods", func(t *testing.T) {
		var folders []string
		for _, method := range []string{"cloudpickle", "dill"} {
			folder := env.builder.supportFolder(env.Python, method)
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			folders = append(folders, folder)
		}
		p, err := env.Program(t.Context(), Callable{Function: &Object{Method: "cloudpickle"}, Setup: &Object{Method: "dill"}}, Ports{}, new(record).log)
		if err != nil {
			t.Fatal(err)
		}
		var told order
		if err := json.Unmarshal([]byte(p.argv[len(p.argv)-1]), &told); err != nil || !slices.Equal(told.Support, folders) {
			t.Errorf("packages of %q, want %q", told.Support, folders)
		}
		for _, folder := range folders {
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("method that is not known", func(t *testing.T) {
		_, err := env.Program(t.Context(), Callable{Function: &Object{Method: "os"}}, Ports{}, new(record).log)
		if err == nil || !strings.Contains(err.Error(), `serialized with "os" cannot be loaded`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nothing to run", func(t *testing.T) {
		if _, err := env.Program(t.Context(), Callable{}, Ports{}, new(record).log); err == nil || !strings.Contains(err.Error(), "nothing to run") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("built before", func(t *testing.T) {
		var log record
		again, err := w.Build(t.Context(), d, log.log)
		if err != nil || again.Generation != env.Generation || !strings.Contains(log.String(), "was built before") {
			t.Errorf("%v, %v\n%s", again, err, &log)
		}
	})
	t.Run("anew", func(t *testing.T) {
		d := d
		d.Force = true
		again, err := w.Build(t.Context(), d, new(record).log)
		if err != nil || again.Generation == env.Generation {
			t.Fatalf("%v, %v", again, err)
		}
		if _, err := env.Call(t.Context(), "pkg.app:later", new(record).log); err != nil {
			t.Errorf("what was built before is of no use any more: %v", err)
		}
		offline(t, w)
		kept, err := w.Load(d.ID())
		if err != nil || kept == nil || kept.Generation != again.Generation {
			t.Fatalf("after a restart: %v, %v", kept, err)
		}
		if _, err := os.Stat(env.folder()); !os.IsNotExist(err) {
			t.Errorf("the earlier one is still there: %v", err)
		}
		if err := w.Prune(nil); err != nil {
			t.Fatal(err)
		}
		if left, err := w.Load(d.ID()); left != nil || err != nil {
			t.Errorf("after pruning: %v, %v", left, err)
		}
	})
}

func TestPythonInAnImage(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	configuration := map[string]any{"image": map[string]any{
		"dockerfile_str": "FROM python\nRUN pip install torch\nWORKDIR /srv\nENV A=/srv/data.txt PYTHONPATH=/srv/lib\nCOPY data.txt .\nCOPY lib lib\n",
	}}
	d := Definition{Kind: "container", Configuration: configuration, Files: []File{
		w.file("data.txt", "content", 0o644),
		w.file("lib/app.py", "import os\ndef run():\n    print(open(os.environ['A']).read(), open('data.txt').read())\n", 0o644),
	}}
	env, err := w.Build(t.Context(), d, new(record).log)
	if err != nil {
		t.Fatal(err)
	}
	p, err := env.Program(t.Context(), Callable{Entrypoint: "app:run"}, Ports{}, new(record).log)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := w.run(t, place(t, p)); out != "content content" || err != nil {
		t.Errorf("it wrote %q, %v", out, err)
	}
}

func TestPythonFailures(t *testing.T) {
	w := newWorkshop(t, t.TempDir())
	for _, test := range []struct {
		kind          string
		configuration map[string]any
		want          string
	}{
		{"virtualenv", map[string]any{"python_version": "3.11"}, "no Python 3.11 is on the PATH of the control plane: install it, or uv"},
		{"virtualenv", map[string]any{"python_version": "/bin/sh"}, `"/bin/sh" is not a version`},
		{"virtualenv", map[string]any{"python_version": 3.11}, "python_version: a string"},
		{"virtualenv", map[string]any{"requirements": "numpy"}, "requirements: a list"},
		{"virtualenv", map[string]any{"requirements": []any{"a", 1.0}}, "requirements: a list of strings"},
		{"virtualenv", map[string]any{"requirements": []any{[]any{"a"}, "b"}}, "requirements: a list of strings"},
		{"virtualenv", map[string]any{"requirements": []any{"a\n--pre"}}, "is not one requirement"},
		{"virtualenv", map[string]any{"resolver": "poetry"}, "resolver: there is uv alone"},
		{"virtualenv", map[string]any{"constraints_file": "c.txt"}, "constraints_file"},
		{"conda", nil, "does not build conda environments"},
		{"", nil, "names no kind"},
		{"nix", nil, `no kind of environment "nix"`},
	} {
		_, err := w.Build(t.Context(), Definition{Kind: test.kind, Configuration: test.configuration}, new(record).log)
		var failure *Failure
		if !errors.As(err, &failure) || !strings.Contains(failure.Message, test.want) {
			t.Errorf("%s %v: error %v, want %q", test.kind, test.configuration, err, test.want)
		}
	}
}

func TestID(t *testing.T) {
	image := func(password string) map[string]any {
		return map[string]any{"image": map[string]any{
			"image": "x", "secrets": map[string]any{"S": password}, "registries": map[string]any{"h": map[string]any{"password": password}},
		}}
	}
	a, b := File{Path: "a", Hash: "1"}, File{Path: "b", Hash: "2"}
	base := Definition{Kind: "container", Configuration: image("one"), Files: []File{a, b}}
	for _, same := range []Definition{
		{Kind: "container", Configuration: image("two"), Files: []File{b, a}},
		{Kind: "container", Configuration: image("one"), Files: []File{a, b}, Force: true},
	} {
		if same.ID() != base.ID() {
			t.Errorf("the IDs of %+v and %+v differ", same, base)
		}
	}
	for _, other := range []Definition{
		{Kind: "virtualenv", Configuration: image("one"), Files: []File{a, b}},
		{Kind: "container", Configuration: image("one"), Files: []File{a}},
		{Kind: "container", Configuration: map[string]any{}, Files: []File{a, b}},
		{Kind: "container", Configuration: image("one"), Files: []File{a, {Path: "b", Hash: "2", Mode: 0o755}}},
	} {
		if other.ID() == base.ID() {
			t.Errorf("%+v has the ID of %+v", other, base)
		}
	}
	if image("x")["image"].(map[string]any)["secrets"] == nil {
		t.Error("the definition was changed")
	}
}

// TestOneBuild has several ask for the same environment while it is being built.
func TestOneBuild(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	d := Definition{Kind: "virtualenv", Configuration: map[string]any{}}
	var group sync.WaitGroup
	var mu sync.Mutex
	generations := make(map[string]int)
	for range 5 {
		group.Go(func() {
			var log record
			env, err := w.Build(t.Context(), d, log.log)
			if err != nil {
				t.Error(err)
				return
			}
			if !strings.Contains(log.String(), "making a virtual environment") && !strings.Contains(log.String(), "was built before") {
				t.Errorf("the log is not that of the build:\n%s", &log)
			}
			mu.Lock()
			defer mu.Unlock()
			generations[env.Generation]++
		})
	}
	group.Wait()
	if len(generations) != 1 {
		t.Errorf("%d environments were built, not 1", len(generations))
	}
}

func TestBuildGivenUp(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	d := Definition{Kind: "virtualenv", Configuration: map[string]any{}, Files: []File{w.file("app.py", "import time\ndef run():\n    print('begun', flush=True)\n    time.sleep(3600)\n", 0o644)}}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.Build(ctx, d, func(string, string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a build that was given up: %v", err)
	}
	env, err := w.Build(t.Context(), d, new(record).log)
	if err != nil {
		t.Fatalf("the one after it: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	if _, err := env.Call(ctx, "app:run", func(string, string) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
	w.Close()
	if _, err := w.Build(t.Context(), Definition{Kind: "virtualenv", Configuration: map[string]any{"tags": []any{"x"}}}, new(record).log); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestKilledWhileBuilding has a folder that a build was in the middle of.
func TestKilledWhileBuilding(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	d := Definition{Kind: "virtualenv", Configuration: map[string]any{}}
	half := filepath.Join(w.dir, "environments", d.ID(), "half", "venv")
	other := filepath.Join(w.dir, "environments", "0123", "half")
	for _, folder := range []string{half, other} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(filepath.Dir(half)), manifestFile+".half"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	offline(t, w)
	started := time.Now()
	env, err := w.Build(t.Context(), d, new(record).log)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a virtual environment took %s", time.Since(started))
	for _, folder := range []string{half, other} {
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", folder, err)
		}
	}
	if err := os.RemoveAll(env.folder()); err != nil {
		t.Fatal(err)
	}
	if missing, err := w.Load(d.ID()); missing != nil || err != nil {
		t.Errorf("an environment whose folder is gone: %v, %v", missing, err)
	}
}

// TestDamagedEnvironmentIsBuiltAnew takes away parts of an environment.
func TestDamagedEnvironmentIsBuiltAnew(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	d := Definition{Kind: "virtualenv", Configuration: map[string]any{}, Files: []File{w.file("app.py", "def run():\n    return 1\n", 0o644)}}
	for _, part := range []func(*Environment) string{
		(*Environment).tree,
		func(e *Environment) string { return filepath.Join(e.folder(), e.Python.Path) },
		func(e *Environment) string { return filepath.Join(e.folder(), "venv", "pyvenv.cfg") },
		(*Environment).folder,
	} {
		env, err := w.Build(t.Context(), d, new(record).log)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(part(env)); err != nil {
			t.Fatal(err)
		}
		if left, err := w.Load(d.ID()); left != nil || err != nil {
			t.Errorf("without %s: %v, %v", part(env), left, err)
		}
		again, err := w.Build(t.Context(), d, new(record).log)
		if err != nil || again.Generation == env.Generation {
			t.Errorf("%v, %v", again, err)
		}
	}
}

// TestForeignFilesArePassedOver has files in the builder's folder that are not its.
func TestForeignFilesArePassedOver(t *testing.T) {
	w := newWorkshop(t)
	if _, err := w.Load("x"); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(w.dir, "environments", ".DS_Store")
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	b := New(Options{Dir: w.dir, Runtime: w.runtime, Files: w.contents, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := b.Prune(nil); err != nil {
		t.Errorf("it is no environment: %v", err)
	}
	if _, err := os.Stat(stray); err != nil || !strings.Contains(log.String(), ".DS_Store") {
		t.Errorf("%v\n%s", err, &log)
	}
}

// TestLogOfABuild follows a log that is longer than what is kept of it.
func TestLogOfABuild(t *testing.T) {
	f := &flight{changed: make(chan struct{}), leave: func() {}}
	const lines = 100
	text := strings.Repeat("x", maxLog/lines*2)
	var live record
	seen := make(chan struct{}, lines)
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := f.wait(t.Context(), func(level, message string) { live.log(level, message[:1]); seen <- struct{}{} }); err != nil {
			t.Error(err)
		}
	})
	for range lines {
		f.log("STDOUT", text)
		<-seen
	}
	f.finish(nil, nil)
	group.Wait()
	if got := strings.Count(live.String(), "STDOUT x"); got != lines || strings.Contains(live.String(), "WARNING") {
		t.Errorf("who follows gets %d lines", got)
	}
	var late record
	if _, err := f.wait(t.Context(), func(level, message string) { late.log(level, message[:min(len(message), 40)]) }); err != nil {
		t.Fatal(err)
	}
	got := strings.Count(late.String(), "STDOUT x")
	if got < lines/3 || got > lines/2 || !strings.Contains(late.String(), fmt.Sprintf("WARNING %d earlier lines of the log are left", lines-got)) {
		t.Errorf("who joins late gets %d lines, and %.60q", got, late.String())
	}
	if f.size > maxLog {
		t.Errorf("%d bytes are kept", f.size)
	}
}
