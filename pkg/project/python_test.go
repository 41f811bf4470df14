//go:build unix

package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// fakeFal is a project with a Python that has the fal package of
// testdata/python, at a version, and nothing else.
type fakeFal struct {
	dir, python string
	stderr      bytes.Buffer
}

func newFakeFal(t *testing.T, version string) *fakeFal {
	t.Helper()
	python3, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on PATH")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeFal{dir: filepath.Join(dir, "project"), python: filepath.Join(dir, "python")}
	packages := filepath.Join(dir, "packages")
	if err := os.CopyFS(packages, os.DirFS(filepath.Join("testdata", "python"))); err != nil {
		t.Fatal(err)
	}
	if version == "" {
		packages = filepath.Join(dir, "none")
	} else {
		writeFile(t, filepath.Join(packages, "fal-"+version+".dist-info", "METADATA"), "Metadata-Version: 2.1\nName: fal\nVersion: "+version+"\n")
	}
	f.interpreter(t, fmt.Sprintf("FAKE_FAL=%q PYTHONPATH=%q exec %q -S -s \"$@\"", dir, packages, python3))
	writeFile(t, filepath.Join(dir, "register"), "")
	writeFile(t, filepath.Join(dir, "build"), "")
	writeFile(t, filepath.Join(f.dir, "app.py"), "import fal\nclass A(fal.App):\n    pass\n")
	writeFile(t, filepath.Join(f.dir, "lib", "pyproject.toml"), "[project]\nname = 'lib'\nversion = '1'\n")
	f.answer(t, request("file", "33188:"+filepath.Join(f.dir, "app.py")))
	return f
}

func (f *fakeFal) interpreter(t *testing.T, script string) {
	t.Helper()
	if err := os.WriteFile(f.python, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeFal) answer(t *testing.T, r *controllerpb.RegisterApplicationRequest) {
	t.Helper()
	text, err := proto.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(filepath.Dir(f.dir), "register"), string(text))
}

func (f *fakeFal) load(t *testing.T, ref string) (*Loaded, error) {
	t.Helper()
	target, err := Find(Options{Dir: f.dir, Ref: ref, Python: f.python, Stderr: &f.stderr, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := target.Load(t.Context())
	if loaded != nil {
		t.Cleanup(func() {
			if err := loaded.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return loaded, err
}

func object(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request is one of an app with a file.
func request(path, hash string) *controllerpb.RegisterApplicationRequest {
	configuration, err := structpb.NewStruct(map[string]any{"python_version": "3.11", "requirements": []any{"numpy", "./lib"}})
	if err != nil {
		panic(err)
	}
	return &controllerpb.RegisterApplicationRequest{
		ApplicationName: proto.String("app-name"),
		Environments:    []*controllerpb.EnvironmentDefinition{{Kind: "virtualenv", Configuration: configuration}},
		Callable: &controllerpb.RegisterApplicationRequest_Function{Function: &controllerpb.SerializedObject{
			Method: "cloudpickle", Definition: []byte{0x80, 0, 0xff},
		}},
		MachineRequirements: &controllerpb.MachineRequirements{MachineTypes: []string{"XS"}},
		Files:               []*controllerpb.File{{RelativePath: path, Hash: hash}},
	}
}

func TestLoadPython(t *testing.T) {
	f := newFakeFal(t, "1.80.0")
	t.Setenv("FAL_KEY", "user:secret")
	writeFile(t, filepath.Join(f.dir, "app.py"), `import os, subprocess, sys
import fal
print("printed")
subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
assert os.environ["FAL_KEY"] == "user:secret", os.environ["FAL_KEY"]
assert sys.stdin.read() == ""
assert not any(os.path.exists(os.path.join(p, "loader.py")) for p in sys.path)
class A(fal.App):
    pass
@fal.function()
def f():
    pass
`)
	loaded, err := f.load(t, "app.py")
	if err != nil {
		t.Fatalf("%v\n%s", err, &f.stderr)
	}
	app := loaded.App
	if app.Name != "app-name" || loaded.Name != "app-name" || loaded.DisplayName != "only" || app.Function.Method != "cloudpickle" || string(app.Function.Definition) != "\x80\x00\xff" {
		t.Errorf("%+v", app)
	}
	if got := paths(t, app.Files); !slices.Equal(got, []string{"file"}) {
		t.Errorf("files %q", got)
	}
	if len(app.Sources) != 1 || app.Sources[0].Requirement != "./lib" || app.Sources[0].FileName != "lib-1.tar.gz" {
		t.Errorf("sources %+v", app.Sources)
	}
	for _, said := range []string{"printed\n", "by a child\n"} {
		if !strings.Contains(f.stderr.String(), said) {
			t.Errorf("%q is not in %q", said, &f.stderr)
		}
	}
	if len(loaded.Notices) > 0 {
		t.Errorf("%q", loaded.Notices)
	}
	f.stderr.Reset()
	if _, err := f.load(t, "app.py::f"); err != nil || !strings.Contains(f.stderr.String(), "credentials loader\n") {
		t.Errorf("a function: %v, %q", err, &f.stderr)
	}
}

func TestLoadPythonOfATable(t *testing.T) {
	f := newFakeFal(t, "1.99.0")
	writeFile(t, filepath.Join(f.dir, "pyproject.toml"), "[tool.fal.apps.my-app]\nref = 'app.py::A'\n")
	loaded, err := f.load(t, "my-app")
	if err != nil {
		t.Fatalf("%v\n%s", err, &f.stderr)
	}
	if !strings.Contains(f.stderr.String(), "reference my-app None\n") {
		t.Errorf("%q", &f.stderr)
	}
	if len(loaded.Notices) != 1 || !strings.Contains(loaded.Notices[0], "1.99.0") {
		t.Errorf("%q", loaded.Notices)
	}
}

func TestLoadPythonFails(t *testing.T) {
	const simple = "import fal\nclass A(fal.App):\n    pass\n"
	for _, test := range []struct {
		name, version, code, ref string
		fails                    string // what fal itself raises
		want, hint               string
		traceback                []string
		without                  []string
	}{
		{name: "no package", want: "app.py needs the fal package", hint: "-m pip install"},
		{name: "old package", version: "1.77.9", want: "the fal package is version 1.77.9, and 1.78", hint: "-m pip install"},
		{name: "an exception", version: "1.80.0", code: "import fal\n\ndef fails():\n    raise ValueError('whé')\n\nfails()\n",
			want:      "app.py could not be loaded",
			traceback: []string{"app.py\", line 6, in <module>", "app.py\", line 4, in fails", "ValueError: whé"},
			without:   []string{"loader.py", "runpy", "deploy.py"}},
		{name: "a chained exception", version: "1.80.0", code: "try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e\n",
			want: "app.py could not be loaded", traceback: []string{"ZeroDivisionError", "line 2", "KeyError: 'k'", "line 4"}, without: []string{"loader.py", "runpy"}},
		{name: "an exception in fal that the code causes", version: "1.80.0", code: "import fal\nclass A(fal.App, broken=True):\n    pass\n",
			want: "app.py could not be loaded", traceback: []string{"app.py\", line 2", "fal/__init__.py", "ValueError: the class is broken"}, without: []string{"loader.py"}},
		{name: "bad syntax", version: "1.80.0", code: "import fal\nclass A(\n", want: "app.py could not be loaded", traceback: []string{"app.py\", line 2", "SyntaxError"}, without: []string{"loader.py", "runpy"}},
		{name: "a missing module", version: "1.80.0", code: "import nothing_of_that_name\n", want: "app.py could not be loaded", traceback: []string{"line 1", "No module named 'nothing_of_that_name'"}},
		{name: "an end", version: "1.80.0", code: "import sys\nsys.exit(3)\n", want: "app.py ended Python with status 3", hint: "__main__", traceback: []string{"line 2"}},
		{name: "a sudden end", version: "1.80.0", code: "import os\nos._exit(7)\n", want: "did not load the app: exit status 7"},
		{name: "an exception while it is prepared", version: "1.80.0", ref: "app.py::A", code: "import fal\nclass A(fal.App):\n    @classmethod\n    def prepare(cls):\n        return cls.nothing\n",
			want: "app.py could not be loaded", traceback: []string{"line 5, in prepare", "AttributeError"}, without: []string{"loader.py", "deploy.py"}},
		{name: "nothing in it", version: "1.80.0", code: "import fal\n", want: "app.py: there is neither a fal.App nor a @fal.function in it"},
		{name: "several", version: "1.80.0", code: simple + "class B(A):\n    pass\n", want: "there are several apps in it: A, B", hint: "write app.py::A or app.py::B"},
		{name: "no such class", version: "1.80.0", ref: "app.py::C", code: simple, want: "there is no C in it", hint: "write app.py::A"},
		{name: "no app", version: "1.80.0", ref: "app.py::X", code: simple + "X = 1\n", want: "X is neither a fal.App nor a @fal.function", hint: "write app.py::A"},
		{name: "what fal refuses", version: "1.80.0", fails: "Exception('Python 3.11 is wanted')", want: "app.py cannot be deployed: Python 3.11 is wanted"},
		{name: "the reason of what fal refuses", version: "1.80.0", fails: "(lambda e: setattr(e, '__cause__', ValueError('it has no route')) or e)(Exception('no metadata'))",
			want: "app.py cannot be deployed: no metadata: it has no route"},
		{name: "a reason that is said already", version: "1.80.0", fails: "(lambda e: setattr(e, '__cause__', ValueError('it has no route')) or e)(Exception('refused, since it has no route'))",
			want: "app.py cannot be deployed: refused, since it has no route"},
		{name: "a library that fails below fal", version: "1.80.0", fails: "__import__('json').loads('{')",
			want: "app.py cannot be deployed: Expecting property name", without: []string{"Traceback"}},
		{name: "what a known fal cannot take", version: "1.80.0", fails: "TypeError('an odd value')", want: "app.py cannot be deployed: fal 1.80.0 has no use for something in it: TypeError: an odd value"},
		{name: "another fal", version: "1.99.0", fails: "TypeError('an unexpected argument')", want: "fal 1.99.0 could not be asked for the request: TypeError: an unexpected argument", hint: "releases of fal from"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFakeFal(t, test.version)
			if test.code != "" {
				writeFile(t, filepath.Join(f.dir, "app.py"), test.code)
			}
			if test.ref == "" {
				test.ref = "app.py"
			}
			t.Setenv("FAKE_FAL_FAILS", test.fails)
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			_, err := f.load(t, test.ref)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want one that says %q\n%s", err, test.want, &f.stderr)
			}
			for _, part := range test.traceback {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in\n%v", part, err)
				}
			}
			for _, part := range test.without {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%q is in\n%v", part, err)
				}
			}
			var hints interface{ Hints() []string }
			if !errors.As(err, &hints) {
				t.Fatal("there is no place for hints")
			}
			if got := strings.Join(hints.Hints(), "\n"); !strings.Contains(got, test.hint) || test.hint == "" && got != "" {
				t.Errorf("hint %q, want %q", got, test.hint)
			}
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("%v are left, %v", left, err)
			}
		})
	}
}

// The options of a class and of a function are named where they are wrong, all
// of them.
func TestPythonOptions(t *testing.T) {
	f := newFakeFal(t, "1.80.0")
	for name, test := range map[string]struct{ code, ref, want string }{
		"a keyword":      {"class A(fal.App, max_concurrency='abc'):\n    pass\n", "app.py", "app.py:2: A.max_concurrency: must be a whole number, not a string"},
		"an attribute":   {"class A(fal.App):\n    x = 1\n    machine_type: str = 5\n", "app.py", "app.py:4: A.machine_type: must be a string or a list of strings, not a whole number"},
		"of a parent":    {"class P(fal.App,\n  keep_alive=1.5):\n    pass\nclass A(P):\n    pass\n", "app.py::A", "app.py:3: A.keep_alive: must be a whole number, not a number with a fraction"},
		"of nowhere":     {"class A(fal.App, **{'regions': 'us-east'}):\n    pass\n", "app.py", "app.py:2: A.regions: must be a list of strings, not a string"},
		"of a function":  {"@fal.function(\n  num_gpus='2')\ndef f():\n    pass\n", "app.py", "app.py:3: f.num_gpus: must be a whole number, not a string"},
		"in a list":      {"class A(fal.App):\n    secrets = ['a', 1]\n", "app.py", "app.py:3: A.secrets: must be a list of strings, and there is a whole number in it"},
		"a truth":        {"class A(fal.App, num_gpus=True):\n    pass\n", "app.py", "app.py:2: A.num_gpus: must be a whole number, not True or False"},
		"too large":      {"class A(fal.App, num_gpus=3_000_000_000):\n    pass\n", "app.py", "app.py:2: A.num_gpus: must be from -2147483648 to 2147483647, not 3000000000"},
		"no dict":        {"class A(fal.App, _scheduler_options=[1]):\n    pass\n", "app.py", "app.py:2: A._scheduler_options: must be a dict, not a list"},
		"of its own":     {"class A(fal.App, private_logs=A):\n    pass\n", "app.py", "app.py:2: A.private_logs: must be True or False, not a value of type Odd"},
		"an image":       {"class A(fal.App, image='nginx'):\n    pass\n", "app.py", "app.py:2: A.image: must be a ContainerImage, not a string"},
		"requirements":   {"class A(fal.App):\n    requirements = 'numpy'\n", "app.py", "app.py:3: A.requirements: must be a list of strings, or a list of lists of strings, not a string"},
		"several":        {"class A(fal.App, regions=1, _scheduler=2):\n    keep_alive = None\n    num_gpus = 0.5\n", "app.py", "app.py:2: A._scheduler: must be a string, not a whole number\napp.py:2: A.regions: must be a list of strings, not a whole number\napp.py:4: A.num_gpus: must be a whole number, not a number with a fraction"},
		"endpoints":      {"class A(fal.App):\n    python_version = (3, 11)\n    def private_logs(self):\n        pass\n    @property\n    def exposed_port(self):\n        pass\n", "app.py", ""},
		"other lists":    {"class A(fal.App, regions={'us-east': 1}.keys(), _scheduler_options=type(fal.App.__dict__)({})):\n    pass\n", "app.py", ""},
		"of another app": {"class B(fal.App, regions=1):\n    pass\nclass A(fal.App, regions=['us-east'], app_files=('a',), secrets=[], machine_type=['S'], requirements=[['a'], ['b']], num_gpus=Odd(), unheard=1, private_logs=True):\n    pass\n", "app.py::A", ""},
	} {
		odd := "import fal\n"
		if strings.Contains(test.code, "Odd()") {
			odd = "import fal\nclass Odd:\n    __index__ = lambda self: 2\n"
		}
		code := strings.ReplaceAll(test.code, "private_logs=A)", "private_logs=type('Odd', (), {})())")
		writeFile(t, filepath.Join(f.dir, "app.py"), odd+code)
		_, err := f.load(t, test.ref)
		switch problems := (Problems)(nil); {
		case test.want == "" && err != nil, test.want != "" && (!errors.As(err, &problems) || err.Error() != test.want):
			t.Errorf("%s: got\n%v, want\n%s", name, err, test.want)
		}
	}
}

func TestLoadPythonEndsWithItsContext(t *testing.T) {
	f := newFakeFal(t, "1.80.0")
	began := filepath.Join(f.dir, "began")
	writeFile(t, filepath.Join(f.dir, "app.py"), fmt.Sprintf(`import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(%[1]q + ".new", "w").write(str(child.pid))
os.rename(%[1]q + ".new", %[1]q)
time.sleep(600)
`, began))
	target, err := Find(Options{Dir: f.dir, Ref: "app.py", Python: f.python, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := target.Load(ctx)
		done <- err
	}()
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := os.Stat(began); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the app does not begin")
		}
		time.Sleep(10 * time.Millisecond)
	}
	why := errors.New("interrupted")
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	pid, err := os.ReadFile(began)
	if err != nil {
		t.Fatal(err)
	}
	for alive(string(pid)) {
		if time.Now().After(deadline) {
			t.Fatalf("process %s lives on", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// alive asks the system, which may take a moment to notice.
func alive(pid string) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func TestFindPython(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one/bin/python", "two/bin/python", "bin/python3", "bin/uv", "named"} {
		writeFile(t, filepath.Join(dir, name), "")
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	locked := filepath.Join(dir, "locked")
	writeFile(t, filepath.Join(locked, "uv.lock"), "")
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, test := range []struct {
		name   string
		python string
		env    map[string]string
		root   string
		path   string
		want   string
		fails  string
	}{
		{name: "a flag", python: "named", env: map[string]string{"FAL_PYTHON": in("one")}, want: in("named")},
		{name: "a command", python: "python3", path: in("bin"), want: in("bin/python3")},
		{name: "an environment's folder", python: "one", want: in("one/bin/python")},
		{name: "a variable", env: map[string]string{"FAL_PYTHON": in("one"), "VIRTUAL_ENV": in("two")}, want: in("one/bin/python")},
		{name: "an active environment", env: map[string]string{"VIRTUAL_ENV": in("two")}, root: locked, path: in("bin"), want: in("two/bin/python")},
		{name: "an environment that is gone", env: map[string]string{"VIRTUAL_ENV": in("gone")}, path: in("bin"), want: in("bin/python3")},
		{name: "uv", root: locked, path: in("bin"), want: in("bin/uv") + " run --project " + locked + " -- python"},
		{name: "uv without its lock", path: in("bin"), want: in("bin/python3")},
		{name: "nothing", path: in("one"), fails: "there is none"},
		{name: "a flag for nothing", python: "nowhere", path: in("bin"), fails: "--python: there is no Python at nowhere"},
		{name: "a variable for nothing", env: map[string]string{"FAL_PYTHON": "nowhere"}, path: in("bin"), fails: "FAL_PYTHON: there is no Python at nowhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			got, err := findPython(Options{Dir: dir, Python: test.python, Getenv: func(name string) string { return test.env[name] }}, test.root)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%v, want one that says %q", err, test.fails)
				}
				return
			}
			if err != nil || got.String() != test.want {
				t.Errorf("%s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestInterpreterVersion(t *testing.T) {
	f := newFakeFal(t, "1.80.0")
	version, err := interpreterVersion(t.Context(), Options{Dir: f.dir, Python: f.python}, f.dir)
	if err != nil || !strings.HasPrefix(version, "3.") {
		t.Errorf("%q, %v", version, err)
	}
	for _, script := range []string{"echo 3", "exit 1", "echo Python three"} {
		f.interpreter(t, script)
		if version, err := interpreterVersion(t.Context(), Options{Dir: f.dir, Python: f.python}, f.dir); err == nil {
			t.Errorf("%q is version %q", script, version)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"3\nabc": "abc", "0\n": "", "2\nabc": "ab",
		"": "no answer", "abc": "no answer", "x\nabc": "where a size was expected", "-1\n": "where a size was expected",
		"99999999999999\nx": "where a size was expected", "4\nabc": "ended after 3 of 4", strings.Repeat("1", 100) + "\n": "no answer",
	} {
		got, err := readAnswer(strings.NewReader(text))
		if err != nil {
			got = []byte(err.Error())
		}
		if (err == nil && string(got) != want) || !strings.Contains(string(got), want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestDecodeApp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	writeFile(t, file, "")
	full := request("d/x", "hash")
	full.AuthMode = controllerpb.ApplicationAuthMode_SHARED.Enum()
	full.Metadata = object(t, map[string]any{"openapi": map[string]any{"paths": map[string]any{"/": map[string]any{}}}})
	full.PrivateLogs, full.RunOnMainThread = proto.Bool(false), proto.Bool(true)
	full.SourceCode = proto.String("import fal")
	full.HealthCheckConfig = &controllerpb.ApplicationHealthCheckConfig{
		Path: "/h", StartPeriodSeconds: proto.Int32(1), TimeoutSeconds: proto.Int32(2), FailureThreshold: proto.Int32(3),
		CallRegularly: proto.Bool(true), AllowOnBusy: proto.Bool(false), Method: controllerpb.ApplicationHealthCheckConfig_POST.Enum(),
	}
	full.SkipRetryConditions = []controllerpb.RetryCondition{controllerpb.RetryCondition_SERVER_ERROR}
	full.TerminationGracePeriodSeconds = proto.Int32(4)
	full.DataMounts = []string{"/data"}
	full.Secrets = &controllerpb.SecretsConfig{}
	full.RetryConfig = proto.String(`{"timeout": {"retries": 5}}`)
	full.MachineRequirements = &controllerpb.MachineRequirements{
		MachineTypes: []string{"A", "B"}, KeepAlive: proto.Int32(0), BaseImage: proto.String("b"), ExposedPort: proto.Int32(6), Scheduler: proto.String("s"),
		MaxMultiplexing: proto.Int32(7), SchedulerOptions: object(t, map[string]any{"o": 1.0}), MaxConcurrency: proto.Int32(8), MinConcurrency: proto.Int32(9),
		NumGpus: proto.Int32(10), RequestTimeout: proto.Int32(11), StartupTimeout: proto.Int32(12), ConcurrencyBuffer: proto.Int32(13),
		ConcurrencyBufferPerc: proto.Int32(14), ScalingDelaySeconds: proto.Int32(15), ValidRegions: []string{"r"}, MetricsPort: proto.Int32(16),
	}
	said := func(r *controllerpb.RegisterApplicationRequest) *answer {
		text, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		a := &answer{Register: text}
		a.Files = append(a.Files, struct {
			Hash string `json:"hash"`
			Path string `json:"path"`
			From string `json:"from"`
		}{"hash", "d/x", file})
		return a
	}
	app, tree, err := decodeApp(said(full))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, tree)
	if _, err := fs.Stat(tree, "d/x"); err != nil {
		t.Error(err)
	}
	if app.Secrets == nil || *app.KeepAlive != 0 || *app.MetricsPort != 16 || app.Retries[fal.RetryTimeout] != 5 || app.HealthCheck.Method != "POST" || *app.AuthMode != fal.AuthShared || app.SchedulerOptions["o"] != 1.0 {
		t.Errorf("%+v", app)
	}
	for name, change := range map[string]func(r *controllerpb.RegisterApplicationRequest){
		"metadata.more": func(r *controllerpb.RegisterApplicationRequest) { r.Metadata = object(t, map[string]any{"more": 1.0}) },
		"metadata.openapi": func(r *controllerpb.RegisterApplicationRequest) {
			r.Metadata = object(t, map[string]any{"openapi": "x"})
		},
		"0 environments":    func(r *controllerpb.RegisterApplicationRequest) { r.Environments = nil },
		"setup_func":        func(r *controllerpb.RegisterApplicationRequest) { r.SetupFunc = &controllerpb.SerializedObject{} },
		"health_check_path": func(r *controllerpb.RegisterApplicationRequest) { r.HealthCheckPath = proto.String("/") },
		"retry_config.unheard": func(r *controllerpb.RegisterApplicationRequest) {
			r.RetryConfig = proto.String(`{"unheard": {"retries": 1}}`)
		},
		"a retry_config":         func(r *controllerpb.RegisterApplicationRequest) { r.RetryConfig = proto.String(`[1]`) },
		"a file that it did not": func(r *controllerpb.RegisterApplicationRequest) { r.Files[0].Hash = "other" },
		"a function that was":    func(r *controllerpb.RegisterApplicationRequest) { r.GetFunction().WasItRaised = true },
		"are not known here":     func(r *controllerpb.RegisterApplicationRequest) { r.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1}) },
		"File has fields": func(r *controllerpb.RegisterApplicationRequest) {
			r.Files[0].ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
		},
		"MachineRequirements has f": func(r *controllerpb.RegisterApplicationRequest) {
			r.MachineRequirements.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 1})
		},
	} {
		r := proto.CloneOf(full)
		change(r)
		if _, _, err := decodeApp(said(r)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want one that says %q", err, name)
		}
	}
	forced, err := proto.Marshal(&controllerpb.BuildEnvironmentRequest{Environments: []*controllerpb.EnvironmentDefinition{{Force: true}}})
	if err != nil {
		t.Fatal(err)
	}
	a := said(full)
	a.Build = forced
	if _, _, err := decodeApp(a); err == nil || !strings.Contains(err.Error(), "--no-cache") {
		t.Errorf("force: %v", err)
	}
}

// TestDecodeAppKnowsEveryField: a field that the messages get has to be carried
// by an app, or refused.
func TestDecodeAppKnowsEveryField(t *testing.T) {
	for _, message := range []struct {
		of    proto.Message
		count int
	}{
		{&controllerpb.RegisterApplicationRequest{}, 27},
		{&controllerpb.MachineRequirements{}, 18},
		{&controllerpb.ApplicationHealthCheckConfig{}, 7},
		{&controllerpb.SerializedObject{}, 4},
		{&controllerpb.EnvironmentDefinition{}, 3},
		{&controllerpb.SecretsConfig{}, 1},
		{&controllerpb.File{}, 2},
	} {
		d := message.of.ProtoReflect().Descriptor()
		if got := d.Fields().Len(); got != message.count {
			t.Errorf("%s has %d fields; decodeApp was written for %d", d.Name(), got, message.count)
		}
	}
}
