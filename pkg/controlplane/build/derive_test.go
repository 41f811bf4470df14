package build

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// wheel writes a distribution of a module that has a value and a program.
func wheel(t testing.TB, folder, name, version string, needs ...string) {
	t.Helper()
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	for _, need := range needs {
		metadata += "Requires-Dist: " + need + "\n"
	}
	info := name + "-" + version + ".dist-info/"
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	record := ""
	for _, file := range [][2]string{
		{name + ".py", "value = " + version + "\ndef main():\n    import sys\n    print(sys.prefix)\n"},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "entry_points.txt", "[console_scripts]\n" + name + " = " + name + ":main\n"},
	} {
		record += file[0] + ",,\n"
		part, err := w.Create(file[0])
		if err == nil {
			_, err = part.Write([]byte(file[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.Create(info + "RECORD")
	if err == nil {
		_, err = part.Write([]byte(record + info + "RECORD,,\n"))
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = os.WriteFile(filepath.Join(folder, name+"-"+version+"-py3-none-any.whl"), packed.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// backend builds a wheel of module app without any other package.
const backend = `
import zipfile

def build_wheel(folder, settings=None, metadata=None):
    name = "app-1-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("app.py", open("app.py").read())
        info = "app-1.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: app\nVersion: 1\n" + open("NEEDS").read())
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "app.py,,\n")
    return name
`

// sdist writes a source distribution of app, and returns the requirement of it.
func sdist(t testing.TB, module, project string, needs ...string) string {
	t.Helper()
	pyproject := project + "\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"
	required := ""
	for _, need := range needs {
		required += "Requires-Dist: " + need + "\n"
	}
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	w := tar.NewWriter(zipped)
	for name, text := range map[string]string{"pyproject.toml": pyproject, "backend.py": backend, "app.py": module, "NEEDS": required} {
		err := w.WriteHeader(&tar.Header{Name: "app-1/" + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "app-1.tar.gz")
	if err := errors.Join(w.Close(), zipped.Close(), os.WriteFile(file, packed.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	slashed := filepath.ToSlash(file)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	return "app @ file://" + slashed
}

const static = "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [%s]\n"

// needs is a definition of what is in a folder, and nowhere else.
func needs(folder string, requirements ...any) Definition {
	return Definition{Kind: "virtualenv", Configuration: map[string]any{
		"requirements": append([]any{"--no-index", "--find-links=" + folder}, requirements...),
	}}
}

// printed is what a program of an environment writes.
func printed(t testing.TB, env *Environment, name string, arguments ...string) string {
	t.Helper()
	program := filepath.Join(env.folder(), "venv", scripts, name)
	out, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestDerivedEnvironment edits an app whose other packages cannot be had any more.
func TestDerivedEnvironment(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	index := t.TempDir()
	wheel(t, index, "third", "1", "fourth")
	wheel(t, index, "fourth", "1")
	wheel(t, index, "fifth", "1")
	build := func(module string, force bool) (*Environment, *record, error) {
		d := needs(index, "third", sdist(t, module, fmt.Sprintf(static, `"fifth"`), "fifth"))
		d.Force = force
		log := new(record)
		env, err := w.Build(t.Context(), d, log.log)
		return env, log, err
	}
	first, log, err := build("import third, fifth\nvalue = 10 + third.value", false)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if first.Base == "" || !strings.Contains(log.String(), "Successfully installed app-1") || !strings.Contains(log.String(), ", third, app @ app-1.tar.gz\n") {
		t.Fatalf("base %q\n%s", first.Base, log)
	}
	for _, name := range []string{"third", "fourth", "fifth"} {
		if err := os.Remove(filepath.Join(index, name+"-1-py3-none-any.whl")); err != nil {
			t.Fatal(err)
		}
	}
	second, log, err := build("import third, fourth, fifth\nvalue = 20 + third.value", false)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if second.Base != first.Base || second.ID == first.ID || strings.Contains(log.String(), "already satisfied") {
		t.Errorf("bases %s and %s\n%s", first.Base, second.Base, log)
	}
	for env, want := range map[*Environment]string{first: "11", second: "21"} {
		if got := printed(t, env, pythonName, "-c", "import app; print(app.value)"); got != want {
			t.Errorf("value %s, want %s", got, want)
		}
		// Its programs, and what pip does, are of this environment.
		own := filepath.Join(env.folder(), "venv")
		if got := printed(t, env, "fourth"); got != own {
			t.Errorf("a program has the prefix %s, not %s", got, own)
		}
		if got := printed(t, env, "pip", "list"); !strings.Contains(got, "third") || !strings.Contains(got, "app") {
			t.Errorf("pip lists %s", got)
		}
	}
	base, err := w.Load(first.Base)
	if err != nil || base == nil {
		t.Fatalf("base %v, %v", base, err)
	}
	if got := printed(t, base, pythonName, "-c", "import importlib.util as u; print(u.find_spec('app'), u.find_spec('fifth') is None)"); got != "None False" {
		t.Errorf("the base has %s", got)
	}
	if err := w.Prune(map[string]bool{second.ID: true}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{first.ID: false, second.ID: true, first.Base: true} {
		if env, err := w.Load(id); (env != nil) != want || err != nil {
			t.Errorf("%s is there: %t, %v", id, env != nil, err)
		}
	}
	if _, log, err := build("value = 3", true); err == nil || !strings.Contains(log.String(), "third") {
		t.Errorf("what was asked to be built anew was not: %v\n%s", err, log)
	}
	if err := w.Prune(nil); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(w.environments()); len(entries) != 0 || err != nil {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestDerivedEnvironmentOfWhatIsKnownLate has an app that says what it needs when it
// is built.
func TestDerivedEnvironmentOfWhatIsKnownLate(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	index := t.TempDir()
	wheel(t, index, "third", "1")
	wheel(t, index, "third", "2")
	const dynamic = "[project]\nname = \"app\"\nversion = \"1\"\ndynamic = [\"dependencies\"]\n"
	app := sdist(t, "import third\nvalue = third.value", dynamic, "third<2")
	var log record
	env, err := w.Build(t.Context(), needs(index, "third", app), log.log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	if got := printed(t, env, pythonName, "-c", "import app; print(app.value)"); got != "1" {
		t.Errorf("it has version %s", got)
	}
	base, err := w.Load(env.Base)
	if err != nil || base == nil {
		t.Fatalf("base %v, %v", base, err)
	}
	if got := printed(t, base, pythonName, "-c", "import third; print(third.value)"); got != "2" {
		t.Errorf("its base was changed: it has version %s", got)
	}
	log = record{}
	_, err = w.Build(t.Context(), needs(index, "third>3", app), log.log)
	var failure *Failure
	if !errors.As(err, &failure) || !strings.Contains(failure.Message, "third>3") || !strings.Contains(log.String(), "everything is installed at once") {
		t.Errorf("error %v\n%s", err, &log)
	}
	if strings.Contains(log.String()+err.Error(), "requirements-") || !strings.Contains(log.String(), "(from -r requirements.txt (line ") {
		t.Errorf("the log has the name of a file that is not the author's:\n%s", &log)
	}
}

func TestWithoutLocal(t *testing.T) {
	project := func(more string) string {
		return sdist(t, "", "[project]\nname = \"App\"\nversion = \"1\"\n"+more)
	}
	all := "dependencies = [\"a>1; python_version > '3'\", \"Other.Local\"]\n[project.optional-dependencies]\nFast_er = [\"b\"]\n"
	extra := strings.Replace(project(all), "app", "app[fast-er, none]", 1)
	other := strings.Replace(project(""), "app @", "other_local @", 1)
	app := []string{"app"}
	for _, test := range []struct {
		layers   [][]string
		want     [][]string
		reserved []string // nil when there can be no such recipe
	}{
		{[][]string{{"x", project(all), "a"}}, [][]string{{"x", "a>1; python_version > '3'", "Other.Local", "a"}}, app},
		{[][]string{{"x", extra}}, [][]string{{"x", "a>1; python_version > '3'", "Other.Local", "b"}}, app},
		{[][]string{{project(all), other}}, [][]string{{"a>1; python_version > '3'"}}, []string{"app", "other-local"}},
		{[][]string{{"--pre", project("")}, {"y"}}, [][]string{{"y"}}, app},
		{[][]string{{"--extra-index-url", "https://me:secret@example.test", project("")}}, nil, app},
		{[][]string{{"--pre --no-deps", "y", project(all)}, {project(all)}}, [][]string{{"--pre --no-deps", "y"}, {"a>1; python_version > '3'", "Other.Local"}}, app},
		{[][]string{{project(all), "y", "--no-dependencies"}}, [][]string{{"y", "--no-dependencies"}}, app},
		{[][]string{{project("dynamic = [\"dependencies\"]")}}, nil, app},
		{[][]string{{strings.Replace(project("dynamic = [\"optional-dependencies\"]"), "app", "app[x]", 1)}}, nil, app},
		{[][]string{{project("dependencies = [\"app[x]\", \"-r /etc/passwd\", \"./c\", \"c\\nd\", \"e @ file:///e\", \"f\"]")}}, [][]string{{"f"}}, app},
		{[][]string{{project(all) + " ; python_version > '3'"}}, nil, app},
		{[][]string{{"app @ file:///nowhere/app-1.tar.gz"}}, nil, app},
		{[][]string{{project("= no TOML")}}, nil, app},
		{[][]string{{"x", " App[fast-er]>=1"}, {project(all)}}, nil, nil},
		{[][]string{{"x", "--pre @ file:///nowhere/app-1.tar.gz"}}, nil, nil},
	} {
		r := &pythonRecipe{layers: test.layers}
		got, ok := r.withoutLocal(true)
		if ok != (test.reserved != nil) || !r.hasLocal() {
			t.Errorf("%q can be divided: %t", test.layers, ok)
		}
		if ok && (!reflect.DeepEqual(got.layers, test.want) || !reflect.DeepEqual(got.reserved, test.reserved)) {
			t.Errorf("%q: %q without %q", test.layers, got.layers, got.reserved)
		}
	}
	r := &pythonRecipe{layers: [][]string{{"x", project(all)}}}
	got, ok := r.withoutLocal(false)
	if !ok || !reflect.DeepEqual(got.layers, [][]string{{"x"}}) {
		t.Errorf("without needs: %v, %t", got, ok)
	}
	more := *got
	more.reserved = []string{"app", "lib"}
	if host := new(interpreter); got.id(host) == more.id(host) {
		t.Error("what is reserved is no part of the ID")
	}
}

// TestOwnPackagesComeFromNoIndex has packages of an index that need the app, or
// something that an index calls so as well.
func TestOwnPackagesComeFromNoIndex(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	for _, foreign := range []bool{false, true} {
		index := t.TempDir()
		wheel(t, index, "plugin", "1", "App[x]")
		wheel(t, index, "plugin", "0.1")
		wheel(t, index, "fifth", "1")
		if foreign {
			wheel(t, index, "app", "0.5", "junk")
			wheel(t, index, "junk", "1")
		}
		build := func(value string) (*Environment, string) {
			t.Helper()
			var log record
			app := sdist(t, "value = "+value, fmt.Sprintf(static, `"fifth"`), "fifth")
			env, err := w.Build(t.Context(), needs(index, "plugin", app), log.log)
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			return env, log.String()
		}
		env, text := build("1")
		got := printed(t, env, pythonName, "-c", "import app, plugin, fifth, importlib.util as u; print(app.value, plugin.value, u.find_spec('junk'))")
		if want := "1 1 None"; got != want || env.Base != "" {
			t.Errorf("it has %s, want %s; base %q", got, want, env.Base)
		}
		if !strings.Contains(text, "needs one of the app's own, so everything is installed at once") || strings.Contains(text, "junk") ||
			strings.Contains(text, "app-0.5") || strings.Contains(text, "own-packages-") {
			t.Errorf("log:\n%s", text)
		}
		if !foreign {
			continue
		}
		// It is tried again with the next edit.
		if err := os.Remove(filepath.Join(index, "plugin-1-py3-none-any.whl")); err != nil {
			t.Fatal(err)
		}
		if env, text := build("2"); env.Base == "" {
			t.Errorf("it has no base:\n%s", text)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(w.dir, temporary)); len(entries) != 0 || err != nil {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestOptionsOfDerivedEnvironments has options that are of both installations.
func TestOptionsOfDerivedEnvironments(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	index := t.TempDir()
	wheel(t, index, "third", "1")
	wheel(t, index, "third", "2")
	wheel(t, index, "fifth", "1")
	constraints := filepath.Join(t.TempDir(), "constraints.txt")
	if err := os.WriteFile(constraints, []byte("third<2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := sdist(t, "value = 1", fmt.Sprintf(static, `"gone"`), "gone")
	optional := strings.Replace(sdist(t, "value = 1", fmt.Sprintf(static, "")+"optional-dependencies = {gpu = [\"fifth\"], web = [\"gone\"]}\n",
		"fifth; extra == 'gpu'\nProvides-Extra: gpu", "gone; extra == 'web'\nProvides-Extra: web"), "app @", "app[gpu] @", 1)
	for _, test := range []struct {
		name         string
		requirements []any
		base, want   string // what is in the base, and in the environment
	}{
		{"no dependencies", []any{"--no-deps", "third", plain}, "2 None False", "2 1 False"},
		{"constraints", []any{"--constraint=" + constraints, "third", optional}, "1 None True", "1 1 True"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log record
			env, err := w.Build(t.Context(), needs(index, test.requirements...), log.log)
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			base, err := w.Load(env.Base)
			if err != nil || base == nil {
				t.Fatalf("base %v, %v\n%s", base, err, &log)
			}
			if got := printed(t, base, pythonName, "-c", "import importlib.util as u, third; print(third.value, u.find_spec('app'), u.find_spec('fifth') is not None)"); got != test.base {
				t.Errorf("the base has %s, want %s", got, test.base)
			}
			if got := printed(t, env, pythonName, "-c", "import importlib.util as u, third, app; print(third.value, app.value, u.find_spec('fifth') is not None)"); got != test.want {
				t.Errorf("it has %s, want %s", got, test.want)
			}
		})
	}
	environ := w.environ
	for value, want := range map[string]string{"On": "2 1 False", "0": "2 1 True"} {
		t.Run("PIP_NO_DEPS="+value, func(t *testing.T) {
			w.environ = func() []string { return append(environ(), "PIP_NO_DEPS="+value) }
			defer func() { w.environ = environ }()
			// The value makes it another app and another base.
			app := sdist(t, "value = 1 # "+value, fmt.Sprintf(static, `"fifth"`), "fifth")
			env, err := w.Build(t.Context(), needs(index, "--pre", "third"+strings.Repeat(" ", len(value)), app), new(record).log)
			if err != nil {
				t.Fatal(err)
			}
			const shows = "import importlib.util as u, third; print(third.value, 1, u.find_spec('fifth') is not None)"
			if got := printed(t, env, pythonName, "-c", shows); got != want {
				t.Errorf("it has %s, want %s", got, want)
			}
			base, err := w.Load(env.Base)
			if err != nil || base == nil {
				t.Fatalf("base %v, %v", base, err)
			}
			if got := printed(t, base, pythonName, "-c", shows); got != want {
				t.Errorf("the base has %s, want %s", got, want)
			}
		})
	}
	t.Run("failure", func(t *testing.T) {
		var log record
		_, err := w.Build(t.Context(), needs(index, "third", plain), log.log)
		var failure *Failure
		if !errors.As(err, &failure) || !strings.Contains(failure.Message, "gone") {
			t.Errorf("error %v", err)
		}
		// It is the one of the second attempt, in which pip reads the app itself.
		if _, after, found := strings.Cut(log.String(), "everything is installed at once"); !found || !strings.Contains(after, "from app") {
			t.Errorf("log:\n%s", &log)
		}
	})
}

// TestDerivingGivenUp ends what waits for a base that cannot be installed.
func TestDerivingGivenUp(t *testing.T) {
	needPython(t)
	w := newWorkshop(t)
	offline(t, w)
	if err := w.prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	host, err := w.python(ctx, "")
	if err != nil || host == nil {
		t.Fatalf("Python %v, %v", host, err)
	}
	r := &pythonRecipe{layers: [][]string{{"--no-index", "gone", sdist(t, "", fmt.Sprintf(static, ""))}}}
	var log record
	e := &Environment{ID: "x", Generation: "y", builder: w.Builder}
	made, err := e.derive(ctx, host, r, false, func(level, message string) {
		log.log(level, message)
		if strings.Contains(message, "No matching distribution") {
			cancel()
		}
	})
	if err == nil || made != nil || ctx.Err() == nil || strings.Contains(log.String(), "at once") {
		t.Errorf("%v, %v\n%s", made, err, &log)
	}
	if len(w.derivedFrom) != 0 {
		t.Errorf("held: %v", w.derivedFrom)
	}
}

// FuzzDeclared reads a pyproject.toml that somebody sent.
func FuzzDeclared(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(static, `"a", "-e .", "b\nc"`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		needs := declared(text, "app", []string{"x"})
		for _, need := range needs {
			if strings.ContainsAny(need, "\r\n\x00") || strings.HasPrefix(strings.TrimSpace(need), "-") || projectName(need) == "" {
				t.Errorf("%q is no requirement", need)
			}
		}
	})
}

// TestCopyAs has a file that cannot be linked.
func TestCopyAs(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "from.py"), filepath.Join(folder, "to.py")
	if err := os.WriteFile(from, []byte("text"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := copyAs(to, from, strings.NewReader("other")); err != nil {
		t.Fatal(err)
	}
	a, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(to)
	if err != nil || !b.ModTime().Equal(a.ModTime()) || b.Mode() != a.Mode() || b.Size() != 5 {
		t.Errorf("%v, %v", b, err)
	}
}
