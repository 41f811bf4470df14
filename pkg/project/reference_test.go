package project_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/project"
)

func TestReferences(t *testing.T) {
	dir := folder(t,
		"pyproject.toml", `
[tool.fal.apps.img]
name = "renamed"
team = "acme"
deployment_strategy = "recreate"
no_scale = false
image = { image = "x" }
[tool.fal.apps.entry]
python_entry_point = "m:A"
app_scale_settings = false
[tool.fal.apps.file]
ref = "src/app.py::App"
[tool.fal.apps."any.py::Thing"]
image = { image = "x" }
`,
		"src/app.py", "", "src/deep/x", "", "my.py", "")
	root := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	recreate, yes, no := fal.StrategyRecreate, true, false
	private := fal.AuthPrivate
	for name, test := range map[string]struct {
		o    project.Options
		want project.Target
	}{
		"image": {project.Options{Ref: "img"}, project.Target{
			Ref: "img", Name: "renamed", DisplayName: "renamed", Kind: project.ImageOnly, Root: dir, Pyproject: root("pyproject.toml"),
			Team: "acme", TeamFrom: "tool.fal.apps.img.team in pyproject.toml:4", Strategy: &recreate, ResetScale: &yes,
			Notices: []string{"pyproject.toml: tool.fal.apps.img.no_scale is deprecated; write app_scale_settings = true"},
		}},
		"from a folder below": {project.Options{Ref: "entry", Dir: root("src", "deep")}, project.Target{
			Ref: "entry", Name: "entry", DisplayName: "m:A", Kind: project.EntryPoint, Root: dir, Symbol: "m:A", Pyproject: root("pyproject.toml"), ResetScale: &no,
		}},
		"file of the pyproject": {project.Options{Ref: "file"}, project.Target{
			Ref: "file", Name: "file", DisplayName: "App", Kind: project.PythonFile, Root: dir, File: root("src", "app.py"), Symbol: "App", Pyproject: root("pyproject.toml"),
		}},
		"file": {project.Options{Ref: "src/app.py"}, project.Target{
			Ref: "src/app.py", DisplayName: "src/app.py", Kind: project.PythonFile, Root: dir, File: root("src", "app.py"),
		}},
		"class of a file": {project.Options{Ref: "../app.py::App", Dir: root("src", "deep"), AppName: "other", AuthMode: &private}, project.Target{
			Ref: "../app.py::App", Name: "other", DisplayName: "App", Kind: project.PythonFile, Root: dir, File: root("src", "app.py"), Symbol: "App",
		}},
		"absolute": {project.Options{Ref: root("my.py") + "::f::g"}, project.Target{
			Ref: root("my.py") + "::f::g", DisplayName: "f::g", Kind: project.PythonFile, Root: dir, File: root("my.py"), Symbol: "f::g",
		}},
		"the one file": {project.Options{}, project.Target{
			DisplayName: "my.py", Kind: project.PythonFile, Root: dir, File: root("my.py"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.o.Dir == "" {
				test.o.Dir = dir
			}
			got, err := project.Find(test.o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&test.want, got, exported()); d != "" {
				t.Error(d)
			}
		})
	}
}

// exported compares the exported fields of a target.
func exported() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		field, ok := p.Last().(cmp.StructField)
		return ok && field.Name() != "" && strings.ToLower(field.Name()[:1]) == field.Name()[:1]
	}, cmp.Ignore())
}

func TestReferencesThatLeadNowhere(t *testing.T) {
	const apps = "[tool.fal.apps.image-app]\nimage = {image = 'x'}\n[tool.fal.apps.other]\nimage = {image = 'x'}\n"
	with := folder(t, "pyproject.toml", apps, "my.py", "", "two.py", "", "sub/readme", "", "dir.py/x", "")
	without := folder(t, "only/readme", "", "app.py", "")
	plain := folder(t, ".git/HEAD", "", "pyproject.toml", "[project]\nname = 'x'\n")
	above := folder(t, "web/pyproject.toml", "[tool.fal.apps.api]\nimage = {image = 'x'}\n[tool.fal.apps.web]\nimage = {image = 'x'}\n",
		"one more/pyproject.toml", "[tool.fal.apps.first]\nimage = {image = 'x'}\n")
	mode := fal.AuthPublic
	for name, test := range map[string]struct {
		o             project.Options
		message, hint string
	}{
		"no such app":            {project.Options{Dir: with, Ref: "imag-app"}, `pyproject.toml: there is no app "imag-app" in it`, "did you mean image-app?"},
		"nothing near":           {project.Options{Dir: filepath.Join(with, "sub"), Ref: "zzzzzzzz"}, filepath.Join("..", "pyproject.toml") + `: there is no app "zzzzzzzz" in it`, "the apps there are image-app, other"},
		"a file without .py":     {project.Options{Dir: with, Ref: "my"}, `pyproject.toml: there is no app "my" in it`, "for the Python file write my.py"},
		"no pyproject":           {project.Options{Dir: without, Ref: "app"}, "no pyproject.toml with [tool.fal] here or in a folder above", "for the Python file write app.py"},
		"no tool.fal":            {project.Options{Dir: plain, Ref: "a b"}, `pyproject.toml: there is no app "a b" in it`, `an app is a table [tool.fal.apps."a b"]; for a Python file write its name with .py`},
		"name of an app's":       {project.Options{Dir: with, Ref: "other", AppName: "x"}, "--app-name and --auth are for Python files: the app other of pyproject.toml cannot take them", "write them as name and auth in the app's table"},
		"auth of an app's":       {project.Options{Dir: with, Ref: "other", AuthMode: &mode}, "--app-name and --auth are for Python files: the app other of pyproject.toml cannot take them", "write them as name and auth in the app's table"},
		"no such file":           {project.Options{Dir: with, Ref: "ym.py"}, "ym.py: no such file", "did you mean my.py?"},
		"no such file's class":   {project.Options{Dir: with, Ref: "sub/q.py::A"}, "sub/q.py: no such file", ""},
		"a folder":               {project.Options{Dir: with, Ref: "dir.py"}, "dir.py: is a folder, not a file", ""},
		"an app as file":         {project.Options{Dir: with, Ref: "image-app.py"}, "image-app.py: no such file", "for the app of pyproject.toml write image-app"},
		"no class after ::":      {project.Options{Dir: with, Ref: "my.py::"}, `"my.py::" names no class after ::`, "write my.py, or my.py::Name"},
		"several files":          {project.Options{Dir: with}, "there are 2 Python files here, and no reference says which", "name the file to deploy: my.py, two.py, or an app of pyproject.toml: image-app, other"},
		"no file":                {project.Options{Dir: filepath.Join(without, "only")}, "there is no Python file here, and no reference", "name the file to deploy, as in app.py"},
		"no file, but apps":      {project.Options{Dir: filepath.Join(with, "sub")}, "there is no Python file here, and no reference", "name the file to deploy, as in app.py, or an app of pyproject.toml: image-app, other"},
		"a folder with its own":  {project.Options{Dir: above, Ref: "./web"}, "./web is no app's name: the apps of a folder are deployed by theirs", "`cd web && fal deploy web`; the apps there are api, web"},
		"its name alone":         {project.Options{Dir: above, Ref: "web"}, "no pyproject.toml with [tool.fal] here or in a folder above", "`cd web && fal deploy web`; the apps there are api, web"},
		"with a slash":           {project.Options{Dir: above, Ref: "one more/"}, "one more/ is no app's name: the apps of a folder are deployed by theirs", "`cd 'one more' && fal deploy first`"},
		"its pyproject":          {project.Options{Dir: above, Ref: "web/pyproject.toml"}, "web/pyproject.toml is no app's name: the apps of a folder are deployed by theirs", "`cd web && fal deploy web`; the apps there are api, web"},
		"this folder":            {project.Options{Dir: with, Ref: "."}, ". is no app's name: the apps of a folder are deployed by theirs", "`fal deploy image-app`; the apps there are image-app, other"},
		"a folder of the same":   {project.Options{Dir: with, Ref: "sub/"}, "sub/ is no app's name: the apps of a folder are deployed by theirs", "`fal deploy image-app`; the apps there are image-app, other"},
		"a folder with a file":   {project.Options{Dir: filepath.Join(without, "only"), Ref: ".."}, ".. is no app's name: the apps of a folder are deployed by theirs", "`fal deploy " + filepath.Join(without, "app.py") + "`"},
		"an empty folder":        {project.Options{Dir: without, Ref: "./only"}, "./only is no app's name: the apps of a folder are deployed by theirs", "there is neither a pyproject.toml with [tool.fal] nor a Python file in it"},
		"no such working folder": {project.Options{Dir: filepath.Join(with, "no"), Ref: "x"}, "no such folder: " + filepath.Join(with, "no"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := problems(t, test.o)
			if found.Error() != test.message {
				t.Errorf("got  %s\nwant %s", found, test.message)
			}
			if got := strings.Join(found.Hints(), "\n"); got != test.hint {
				t.Errorf("hint %q, want %q", got, test.hint)
			}
		})
	}
}

func TestFindAll(t *testing.T) {
	dir := folder(t, "pyproject.toml", "[tool.fal]\n[tool.fal.apps.z]\nimage = {image = 'x'}\n[tool.fal.apps]\nm = {python_entry_point = 'm:A'}\n[tool.fal.apps.a]\nref = 'a.py'\n", "a.py", "", "sub/x", "")
	targets, err := project.FindAll(project.Options{Dir: filepath.Join(dir, "sub")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, target := range targets {
		got = append(got, target.Ref+" "+target.Kind.String())
	}
	if d := cmp.Diff([]string{"z image", "m entry point", "a Python file"}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"z", "m", "a"}, project.Names(filepath.Join(dir, "sub"))); d != "" {
		t.Error(d)
	}

	empty := folder(t, ".git/HEAD", "", "pyproject.toml", "[tool.fal]\n")
	if err := all(empty); err == nil || err.Error() != "pyproject.toml: there is no app in it" {
		t.Error(err)
	}
	if err := all(folder(t)); err == nil || !strings.HasPrefix(err.Error(), "no pyproject.toml") {
		t.Error(err)
	}
	if _, err := project.FindAll(project.Options{Dir: dir, AppName: "x"}); err == nil {
		t.Error("all apps were given one name")
	}
}

// Two apps of one name for one account cannot both be deployed.
func TestFindAllOfOneName(t *testing.T) {
	dir := folder(t, "pyproject.toml", `[tool.fal.apps.a]
image = {image = 'x'}
[tool.fal.apps.b]
name = 'a'
image = {image = 'x'}
[tool.fal.apps.c]
name = 'a'
team = 'acme'
image = {image = 'x'}
[tool.fal.apps.d]
python_entry_point = 'm:A'
name = 'a'
team = 'acme'
`)
	const want = `pyproject.toml:4:1: tool.fal.apps.b: its name is "a", as that of tool.fal.apps.a: one would replace the other
pyproject.toml:12:1: tool.fal.apps.d: its name is "a", as that of tool.fal.apps.c: one would replace the other`
	if err := all(dir); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, err := project.Find(project.Options{Dir: dir, Ref: "b"}); err != nil {
		t.Errorf("one of them alone: %v", err)
	}
}

func TestRoots(t *testing.T) {
	dir := folder(t,
		"pyproject.toml", "[tool.fal.apps.outer]\nimage = {image = 'x'}\n",
		"repo/.git/HEAD", "",
		"repo/pyproject.toml", "[project]\nname = 'x'\n[tool.fal.apps.middle]\nimage = {image = 'x'}\n",
		"repo/lib/pyproject.toml", "[project]\nname = 'y'\n",
		"repo/lib/a.py", "",
		"broken/pyproject.toml", "[tool.fal]\nx =\n",
		"broken/a.py", "")
	if target, err := project.Find(project.Options{Dir: filepath.Join(dir, "repo", "lib"), Ref: "middle"}); err != nil || target.Root != filepath.Join(dir, "repo") {
		t.Errorf("%+v, %v", target, err)
	}
	if _, err := project.Find(project.Options{Dir: filepath.Join(dir, "repo", "lib"), Ref: "outer"}); err == nil {
		t.Error("the search went beyond .git")
	}
	target, err := project.Find(project.Options{Dir: filepath.Join(dir, "broken"), Ref: "a.py"})
	if err != nil {
		t.Fatal(err)
	}
	if len(target.Notices) != 1 || !strings.HasPrefix(target.Notices[0], "pyproject.toml:2:") {
		t.Errorf("notices %q", target.Notices)
	}
}

func TestNamesOfABrokenFile(t *testing.T) {
	dir := folder(t, "pyproject.toml", "[tool.fal.apps.a]\nimage = {image = 'x'}\n[tool.fal.apps.b]\nx =\n[tool.fal.apps.c]\n")
	if d := cmp.Diff([]string{"a", "b"}, project.Names(dir)); d != "" {
		t.Error(d)
	}
	if got := project.Names(filepath.Join(dir, "no")); got != nil {
		t.Error(got)
	}
}
