package project

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/fal-plugins/fal/pkg/fal"
)

// settings are what a pyproject.toml says of an app.
type settings struct {
	dir string // of the file

	name                *string
	reference           *string // of a Python file, "file.py::Name"
	entryPoint          *string
	image               *image
	team                *string
	strategy            *fal.DeploymentStrategy
	resetScale          *bool
	app                 fal.App // all but its name, build, files and sources
	pythonVersion       *string
	requirements        [][]string // nil if not given
	layered             bool       // requirements were given as layers
	requirementsDir     string     // absolute
	appFiles, appIgnore []string   // nil if not given
	appFilesDir         *string    // absolute
	appSources          []source   // appFiles, unless Python reads them
	ignored             []*regexp.Regexp
	notices             []string
}

// The values that some keys may have.
func authModes() []string  { return []string{"public", "private", "shared"} }
func strategies() []string { return []string{"recreate", "rolling"} }

// appName is what every service should take as the name of an app.
func appName() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
}

// target makes the target of the app called name, with all that is wrong
// with it.
func (r root) target(o Options, name string) (*Target, Problems) {
	s, problems := readSettings(r.pyproject, name)
	t := &Target{
		Ref: o.Ref, Name: name, Root: r.dir, Pyproject: r.pyproject.path,
		Strategy: s.strategy, ResetScale: s.resetScale, Notices: s.notices,
		options: o, settings: s,
	}
	if s.name != nil {
		t.Name = *s.name
	}
	if s.team != nil {
		path := append(appsPath(), name, "team")
		t.Team, t.TeamFrom = *s.team, fmt.Sprintf("%s in %s:%d", spell(path), r.pyproject.shown, r.pyproject.at(path...).line)
	}
	switch {
	case s.entryPoint != nil:
		t.Kind, t.Symbol = EntryPoint, *s.entryPoint
	case s.reference != nil:
		t.Kind = PythonFile
		var file string
		file, t.Symbol, _ = splitReference(*s.reference)
		t.File = expandPlain(r.dir, file)
	default:
		t.Kind = ImageOnly
	}
	if t.DisplayName = t.Symbol; t.DisplayName == "" {
		t.DisplayName = t.Name
	}
	return t, problems
}

// readSettings reads the table of an app, which exists.
func readSettings(p *pyproject, name string) (*settings, Problems) {
	var problems Problems
	path := append(appsPath(), name)
	s := &settings{dir: filepath.Dir(p.path)}
	root := &table{file: p, problems: &problems, values: p.values}
	for _, part := range path {
		if root = root.table(part); root == nil {
			return s, problems
		}
	}
	s.readCode(root)
	s.readDeployment(root)
	s.readEnvironment(root)
	s.readFiles(root)
	s.readMachine(root)
	s.readScaling(root)
	s.readRequests(root)
	root.finish()
	return s, problems
}

// readCode reads what the app is: a file, an entry point or an image.
func (s *settings) readCode(t *table) {
	s.reference = t.text("ref")
	s.entryPoint = t.text("python_entry_point")
	if below := t.table("image"); below != nil {
		s.image = readImage(below, s.dir)
	}
	switch {
	case t.has("ref") && t.has("python_entry_point"):
		t.wrong([]string{"ref"}, "cannot be given with python_entry_point")
	case !t.has("ref") && !t.has("python_entry_point") && !t.has("image"):
		t.wrong(nil, "there is no ref, python_entry_point or image in it: nothing says what the app is")
	}
	if s.entryPoint != nil {
		if module, symbol, ok := strings.Cut(*s.entryPoint, ":"); !ok || module == "" || symbol == "" || strings.Contains(symbol, ":") {
			t.wrong([]string{"python_entry_point"}, `must be "module:Symbol", not %q`, *s.entryPoint)
		}
	}
	if s.reference != nil {
		s.checkReference(t)
	}
}

func (s *settings) checkReference(t *table) {
	file, symbol, _ := splitReference(*s.reference)
	key := []string{"ref"}
	if symbol == "" && strings.Contains(*s.reference, separator) {
		t.wrong(key, "%q names no class after %s", *s.reference, separator)
		return
	}
	if why := notFile(expandPlain(s.dir, file)); why != "" {
		t.wrong(key, "%s: %s", file, why)
	}
}

// readDeployment reads how the app is deployed.
func (s *settings) readDeployment(t *table) {
	s.name, s.team = t.text("name"), t.text("team")
	s.checkName(t)
	if mode := t.word("auth", authModes()); mode != nil {
		if auth, err := fal.ParseAuthMode(*mode); err == nil {
			s.app.AuthMode = &auth
		}
	}
	if word := t.word("deployment_strategy", strategies()); word != nil {
		if strategy, err := fal.ParseDeploymentStrategy(*word); err == nil {
			s.strategy = &strategy
		}
	}
	s.resetScale = t.flag("app_scale_settings")
	noScale := t.flag("no_scale")
	if t.has("no_scale") && t.has("app_scale_settings") {
		t.wrong([]string{"no_scale"}, "is the deprecated opposite of app_scale_settings, and cannot be given with it")
	} else if noScale != nil {
		reset := !*noScale
		s.resetScale = &reset
		instead := "false"
		if reset {
			instead = "true"
		}
		s.notices = append(s.notices, t.file.shown+": "+spell(append(slices.Clone(t.path), "no_scale"))+" is deprecated; write app_scale_settings = "+instead)
	}
	if secrets := t.texts("secrets"); secrets != nil {
		s.app.Secrets = secrets
	}
	s.app.DataMounts = t.texts("data_mounts")
	s.app.PrivateLogs = t.flag("private_logs")
}

// checkName checks the app's name: the key of its table unless it is given.
func (s *settings) checkName(t *table) {
	name, key := t.path[len(t.path)-1], []string(nil)
	if s.name != nil {
		name, key = *s.name, []string{"name"}
	} else if t.has("name") {
		return // a problem already
	}
	switch {
	case strings.ContainsFunc(name, unicode.IsSpace) || strings.Contains(name, "/") || strings.Contains(name, separator):
		t.wrong(key, "%q is no name of an app: it has no spaces, slashes or %s", name, separator)
	case !appName().MatchString(name):
		s.notices = append(s.notices, t.doubt(key, "%q may be refused as the name of an app: it has letters, digits, dots, hyphens and underscores, begins with a letter or digit, and is not longer than 128", name))
	case strings.Contains(name, "--"):
		s.notices = append(s.notices, t.doubt(key, "%q may be refused as the name of an app: two hyphens stand between a name and its environment", name))
	}
}

// readFiles reads which files go with the app.
func (s *settings) readFiles(t *table) {
	s.appFiles, s.appIgnore = t.texts("app_files"), t.texts("app_files_ignore")
	if dir := t.text("app_files_context_dir"); dir != nil {
		path := expandPlain(s.dir, *dir)
		s.appFilesDir = &path
		if !isDir(path) {
			t.wrong([]string{"app_files_context_dir"}, "there is no folder %s", *dir)
		}
	}
	if t.has("app_files_context_dir") && !t.has("app_files") {
		t.wrong([]string{"app_files_context_dir"}, "needs app_files")
	}
	if t.has("image") && len(s.appFiles) > 0 {
		t.wrong([]string{"app_files"}, "cannot be given with image: a Dockerfile's COPY takes files")
	}
	if s.entryPoint == nil {
		return // Python compiles them
	}
	for i, pattern := range s.appIgnore {
		expression, err := regexp.Compile(pattern)
		if err != nil {
			p := t.about([]string{"app_files_ignore", element(i)}, "%q is not a regular expression that can be used here", pattern)
			p.Hint = "look-ahead, look-behind and back-references are not supported here"
			*t.problems = append(*t.problems, p)
			continue
		}
		s.ignored = append(s.ignored, expression)
	}
	for i, path := range s.appFiles {
		s.appSources = append(s.appSources, source{path, t.about([]string{"app_files", element(i)}, "")})
	}
	if isDir(s.filesDir()) {
		*t.problems = append(*t.problems, checkSources(s.filesDir(), s.appSources, matching(s.ignored))...)
	}
}
