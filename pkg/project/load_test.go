package project_test

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/project"
)

func ptr[T any](v T) *T { return &v }

func load(t *testing.T, o project.Options) *project.Loaded {
	t.Helper()
	target, err := project.Find(o)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := target.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := loaded.Close(); err != nil {
			t.Error(err)
		}
	})
	return loaded
}

// golden is a copy of the golden project.
func golden(t *testing.T) string {
	t.Helper()
	dir := folder(t)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "golden", "project"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// python makes the test binary the Python that is found.
func python(t *testing.T, version string) func(string) string {
	t.Helper()
	t.Setenv(asPython, version)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) string {
		if name == "FAL_PYTHON" {
			return self
		}
		return ""
	}
}

func TestGoldenApps(t *testing.T) {
	dir := golden(t)
	for ref, want := range map[string]fal.App{
		"image-only": {
			Name: "image-only", AuthMode: ptr(fal.AuthPublic),
			Build: fal.Image{
				Reference:     "registry.example.test/acme/model:1.2.3",
				Entrypoint:    &fal.Command{Exec: []string{"python", "-m", "srv"}},
				Cmd:           &fal.Command{Exec: []string{"--port", "8000"}},
				Registries:    map[string]fal.Registry{"registry.example.test": {Username: "bob", Password: "hunter2"}},
				PythonVersion: "3.11",
			},
			Secrets: []string{"HF_TOKEN", "EXPOSED"}, DataMounts: []string{"/data", "/data/.cache"},
			MachineTypes: []string{"GPU-H100", "GPU-H200"}, NumGPUs: ptr(2), Regions: []string{"us-east", "eu-north"},
			KeepAlive: ptr(120 * time.Second), MinConcurrency: ptr(1), MaxConcurrency: ptr(4),
			ConcurrencyBuffer: ptr(1), ConcurrencyBufferPerc: ptr(10), ScalingDelay: ptr(5 * time.Second), MaxMultiplexing: ptr(3),
			RequestTimeout: ptr(900 * time.Second), StartupTimeout: ptr(1200 * time.Second), TerminationGracePeriod: ptr(15 * time.Second),
			ExposedPort: ptr(8000), MetricsPort: ptr(9100),
			HealthCheck:         &fal.HealthCheck{Path: "/health", StartPeriod: ptr(30 * time.Second), Timeout: ptr(5 * time.Second), FailureThreshold: ptr(3), CallRegularly: ptr(true)},
			SkipRetryConditions: []fal.RetryCondition{fal.RetryTimeout, fal.RetryServerError},
			Retries:             map[fal.RetryCondition]int{fal.RetryTimeout: 1, fal.RetryConnectionError: 3},
			PrivateLogs:         ptr(true),
		},
		"image-min": {Name: "image-min", Build: fal.Image{Reference: "docker.io/library/nginx:latest", PythonVersion: "3.11"}},
		"dockerfile-only": {Name: "dockerfile-only", Build: fal.Dockerfile{
			Text: "FROM python:3.11-slim\nARG A\nRUN echo hello é\n", ContextDir: dir,
			BuildArgs: map[string]string{"A": "1"}, Secrets: map[string]string{"S": "s3cr3t"}, PythonVersion: "3.11",
			Ignore: []string{
				`^(?:.+/)?\.git(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?\.gitignore(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?\.dockerignore(?:(?P<ps_d>/).*)?$`,
				`^(?:.+/)?Dockerfile(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?Dockerfile\.[^/]*(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?[^/]*\.md(?:(?P<ps_d>/).*)?$`,
				`^(?:.+/)?__pycache__(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?[^/]*\.pyc(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?\.DS_Store(?:(?P<ps_d>/).*)?$`,
				`^(?:.+/)?\.venv(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?venv(?:(?P<ps_d>/).*)?$`, `^(?:.+/)?\.env(?:(?P<ps_d>/).*)?$`,
				`^(?:.+/)?node_modules(?:(?P<ps_d>/).*)?$`,
			},
		}},
		"entry": {
			Name: "entry", AuthMode: ptr(fal.AuthPrivate), Entrypoint: "mymod.app:MyApp", MachineTypes: []string{"GPU-H100"},
			Build: fal.Virtualenv{Requirements: []string{"numpy==1.26.4", "café-lib"}, PythonVersion: "3.11"},
		},
		"entry-min": {Name: "entry-min", Entrypoint: "m:A", Build: fal.Virtualenv{PythonVersion: "3.11"}},
		"teamed":    {Name: "teamed", Build: fal.Image{Reference: "x/y:1", PythonVersion: "3.11"}},
	} {
		t.Run(ref, func(t *testing.T) {
			getenv := func(string) string { return "" }
			if ref == "entry-min" {
				getenv = python(t, "3.11")
			}
			loaded := load(t, project.Options{Dir: dir, Ref: ref, Getenv: getenv})
			if d := cmp.Diff(want, loaded.App); d != "" {
				t.Error(d)
			}
		})
	}
	if target, err := project.Find(project.Options{Dir: dir, Ref: "teamed"}); err != nil || target.Team != "equipe" {
		t.Errorf("%+v, %v", target, err)
	}
	if target, err := project.Find(project.Options{Dir: dir, Ref: "image-only"}); err != nil || *target.Strategy != fal.StrategyRecreate {
		t.Errorf("%+v, %v", target, err)
	}
}

func TestGoldenFaults(t *testing.T) {
	dir := golden(t)
	var found project.Problems
	for ref, want := range map[string]string{
		"bad-region": `pyproject.toml:63:12: tool.fal.apps.bad-region.regions[0]: "mars" is none of us-west, us-central, us-east, eu-north, eu-west`,
		"bad-key":    "pyproject.toml:66:1: tool.fal.apps.bad-key.wat: unknown key",
		"noref":      "pyproject.toml:70:16: tool.fal.apps.noref: there is no ref, python_entry_point or image in it: nothing says what the app is",
	} {
		found = append(found, problems(t, project.Options{Dir: dir, Ref: ref})...)
		if got := found[len(found)-1].String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if err := all(dir); err == nil || strings.Count(err.Error(), "\n") != len(found)-1 {
		t.Errorf("all apps: %v", err)
	}
}

// TestBuilds has what the golden project has not.
func TestBuilds(t *testing.T) {
	const text = "FROM scratch\nCOPY src/ /app\nCOPY one.txt *.md /\n"
	dir := folder(t, "Dockerfile", strings.ReplaceAll(text, "\n", "\r\n"), ".dockerignore", "# no\nsrc/secret\n",
		"src/a", "a", "src/secret", "s", "one.txt", "1", "two.md", "2", "files/deep/x", "x", "files/y.pyc", "y", "files/z", "z")
	for name, test := range map[string]struct {
		app   string
		build fal.Build
		files []string
	}{
		"layers":          {"python_entry_point = 'm:A'\npython_version = '3.12'\nrequirements = [['a'], [], ['b', 'c']]\n", fal.Virtualenv{Layers: [][]string{{"a"}, {}, {"b", "c"}}, PythonVersion: "3.12"}, nil},
		"no requirements": {"python_entry_point = 'm:A'\npython_version = '3.12'\nrequirements = []\n", fal.Definition{Kind: "virtualenv", Configuration: map[string]any{"requirements": []any{}, "python_version": "3.12"}}, nil},
		"shell":           {"image = {image = 'x', entrypoint = 'run it', cmd = []}\n", fal.Image{Reference: "x", Entrypoint: &fal.Command{Shell: "run it"}, Cmd: &fal.Command{Exec: []string{}}, PythonVersion: "3.11"}, nil},
		"image's Python":  {"image = {image = 'x'}\npython_version = '3.9'\n", fal.Image{Reference: "x", PythonVersion: "3.9"}, nil},
		"entry point in an image": {"python_entry_point = 'm:A'\npython_version = '3.12'\nimage = {image = 'x'}\n",
			fal.Image{Reference: "x", PythonVersion: "3.12"}, nil},
		"Dockerfile": {"image = {dockerfile = 'Dockerfile'}\n", fal.Dockerfile{
			Text: text, ContextDir: dir, Sources: []string{"src/", "one.txt", "*.md"},
			Ignore: []string{"^src/secret(?:(?P<ps_d>/).*)?$"}, PythonVersion: "3.11",
		}, []string{"one.txt", "src/a", "two.md"}},
		"requirements in an image": {"python_entry_point = 'm:A'\npython_version = '3.12'\nrequirements = ['a', './no']\nimage = {image = 'x', cmd = 'c', registries = {r = {username = 'u', password = 'p'}}}\n",
			fal.Definition{Kind: "container", Configuration: map[string]any{
				"image":        map[string]any{"image": "x", "cmd": "c", "registries": map[string]any{"r": map[string]any{"username": "u", "password": "p"}}},
				"requirements": []any{"a", "./no"}, "python_version": "3.12",
			}}, nil},
		"layers in a Dockerfile": {"requirements = [['a'], ['b']]\nimage = {dockerfile = 'Dockerfile', build_args = {A = '1'}, secrets = {S = 's'}, entrypoint = ['e']}\n",
			fal.Definition{Kind: "container", Configuration: map[string]any{
				"image": map[string]any{
					"dockerfile_str": text, "docker_context_dir": dir, "docker_files_list": []any{"src/", "one.txt", "*.md"},
					"docker_ignore": []any{"^src/secret(?:(?P<ps_d>/).*)?$"}, "build_args": map[string]any{"A": "1"},
					"secrets": map[string]any{"S": "s"}, "registries": map[string]any{}, "builder": nil,
					"compression": "gzip", "force_compression": false, "entrypoint": []any{"e"}, "use_isolate": false,
				},
				"requirements": []any{[]any{"a"}, []any{"b"}}, "python_version": "3.11",
			}}, []string{"one.txt", "src/a", "two.md"}},
		"app files": {"python_entry_point = 'm:A'\npython_version = '3.12'\napp_files = ['deep', 'z', 'y.pyc']\napp_files_context_dir = 'files'\napp_files_ignore = ['\\.pyc$']\n",
			fal.Virtualenv{PythonVersion: "3.12"}, []string{"deep/x", "z"}},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, "pyproject.toml", "[tool.fal.apps.a]\n"+test.app)
			app := load(t, project.Options{Dir: dir, Ref: "a"}).App
			if d := cmp.Diff(test.build, app.Build); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(test.files, filesOf(t, app.Files)); d != "" {
				t.Error(d)
			}
		})
	}
}

func filesOf(t *testing.T, tree fs.FS) []string {
	t.Helper()
	if tree == nil {
		return nil
	}
	var names []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

func TestOtherSettings(t *testing.T) {
	dir := folder(t, "pyproject.toml", `
[tool.fal.apps.a]
image = { image = "x" }
secrets = []
machine_type = "M"
_scheduler = "nomad"
keep_alive = 0
max_concurrency = 0
skip_retry_conditions = ["connection_error"]
[tool.fal.apps.a._scheduler_options]
storage_region = "us-east"
deep = [{ n = 1, f = 0.5, b = true }]
[tool.fal.apps.a.retry_config]
server_error.retries = -3
[tool.fal.apps.a.health_check]
path = "/h"
method = "post"
call_regularly = false
`)
	want := fal.App{
		Name: "a", Build: fal.Image{Reference: "x", PythonVersion: "3.11"}, Secrets: []string{}, MachineTypes: []string{"M"},
		Scheduler: ptr("nomad"), SchedulerOptions: map[string]any{"storage_region": "us-east", "deep": []any{map[string]any{"n": int64(1), "f": 0.5, "b": true}}},
		KeepAlive: ptr(time.Duration(0)), MaxConcurrency: ptr(0), SkipRetryConditions: []fal.RetryCondition{fal.RetryConnectionError},
		Retries: map[fal.RetryCondition]int{fal.RetryServerError: 0}, HealthCheck: &fal.HealthCheck{Path: "/h", Method: "POST", CallRegularly: ptr(false)},
	}
	if d := cmp.Diff(want, load(t, project.Options{Dir: dir, Ref: "a"}).App); d != "" {
		t.Error(d)
	}
}

func TestSourcesOfRequirements(t *testing.T) {
	const lib = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'my-lib'\nversion = '1.0'\n"
	dir := folder(t, "pyproject.toml", `
[tool.fal.apps.a]
python_entry_point = "m:A"
python_version = "3.12"
requirements_context_dir = "deps"
requirements = [["numpy"], ["../lib", "../lib[x,y]", " lib2 "]]
`, "lib/pyproject.toml", lib, "lib/my_lib.py", "", "deps/lib2/pyproject.toml", strings.ReplaceAll(lib, "my-lib", "two"), "deps/lib2/two.py", "")
	loaded := load(t, project.Options{Dir: dir, Ref: "a", Stderr: io.Discard})
	var got []string
	for _, source := range loaded.App.Sources {
		got = append(got, source.Requirement+" "+source.Package+source.Extras+" "+source.FileName)
		file, err := source.Open()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, file); n != source.Size || n == 0 || err != nil {
			t.Errorf("%d bytes of %d: %v", n, source.Size, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	want := []string{"../lib my-lib my_lib-1.0.tar.gz", "../lib[x,y] my-lib[x,y] my_lib-1.0.tar.gz", " lib2  two two-1.0.tar.gz"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := loaded.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesOfAClosedApp(t *testing.T) {
	dir := folder(t, "pyproject.toml", "[tool.fal.apps.a]\npython_entry_point = 'm:A'\npython_version = '3.11'\napp_files = ['f']\n", "f", "x")
	loaded := load(t, project.Options{Dir: dir, Ref: "a"})
	if text, err := fs.ReadFile(loaded.App.Files, "f"); err != nil || string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
	if err := loaded.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := fs.ReadFile(loaded.App.Files, "f"); err == nil {
		t.Errorf("%q was read", text)
	}
}

func TestPythonVersionThatNobodyKnows(t *testing.T) {
	dir := folder(t, "pyproject.toml", "[tool.fal.apps.a]\npython_entry_point = 'm:A'\n")
	target, err := project.Find(project.Options{Dir: dir, Ref: "a", Python: filepath.Join(dir, "no-python")})
	if err != nil {
		t.Fatal(err)
	}
	if loaded, err := target.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "python_version") {
		t.Errorf("%+v, %v", loaded, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target, err = project.Find(project.Options{Dir: dir, Ref: "a", Getenv: python(t, "3.13")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Load(ctx); err == nil {
		t.Error("a Python was asked after all was cancelled")
	}
}
