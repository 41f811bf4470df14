package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

// interpreter is a Python that was found or made.
type interpreter struct {
	Path    string `json:"path"` // absolute; of a virtual environment, relative to its folder
	Version string `json:"version"`
	// Tag tells which compiled modules it can load.
	Tag string `json:"tag"`
}

// foreign are variables that would have a Python use other packages, or install
// them elsewhere, than those of its own environment.
func foreign() []string {
	return []string{"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "__PYVENV_LAUNCHER__"}
}

// toolEnvironment is that of Pythons and installers. What they leave behind is
// swept.
func (b *Builder) toolEnvironment() []string {
	folder := filepath.Join(b.dir, temporary)
	return b.environment(foreign(), "TMPDIR="+folder, "TMP="+folder, "TEMP="+folder)
}

// inspection prints what interpreter is made of.
const inspection = `import json, sys, sysconfig
print(json.dumps({"path": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3],
    "tag": "%s-%s" % (sys.implementation.cache_tag, sysconfig.get_platform())}))`

// find returns the path of a program of the builder's PATH.
func (b *Builder) find(name string) string {
	for _, folder := range filepath.SplitList(b.variable("PATH")) {
		if !filepath.IsAbs(folder) {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path
		}
	}
	return ""
}

// inspect runs a Python and asks it what it is; nil if it is none.
func (b *Builder) inspect(ctx context.Context, argv ...string) (*interpreter, error) {
	var out strings.Builder
	err := b.run(ctx, runtime.Spec{
		ID:   "python",
		Argv: append(argv, "-I", "-c", inspection),
		Env:  b.toolEnvironment(),
		Dir:  b.dir,
	}, func(source runtime.Source, text string) {
		if source == runtime.Stdout {
			out.WriteString(text + "\n")
		}
	})
	var exit *exitError
	var start *runtime.StartError
	var found interpreter
	switch {
	case errors.As(err, &exit) || errors.As(err, &start):
		return nil, nil
	case err != nil:
		return nil, err
	case json.Unmarshal([]byte(out.String()), &found) != nil || found.Path == "":
		return nil, nil
	}
	return &found, nil
}

// is reports whether the interpreter is of a version such as 3, 3.11 or 3.11.4.
func (i *interpreter) is(version string) bool {
	return version == "" || i.Version == version || strings.HasPrefix(i.Version, version+".")
}

// python finds an interpreter of that version on this machine; nil if there is
// none.
func (b *Builder) python(ctx context.Context, version string) (*interpreter, error) {
	var candidates [][]string
	add := func(name string, more ...string) {
		if path := b.find(name); path != "" {
			candidates = append(candidates, append([]string{path}, more...))
		}
	}
	if version != "" {
		parts := strings.Split(version, ".")
		short := strings.Join(parts[:min(2, len(parts))], ".")
		add("python" + short)
		if isWindows {
			add("py", "-"+short)
		}
	}
	add("python3")
	add("python")
	for _, argv := range candidates {
		found, err := b.inspect(ctx, argv...)
		if err != nil {
			return nil, err
		}
		if found != nil && found.is(version) {
			return found, nil
		}
	}
	return nil, nil
}

// buildPython makes a virtual environment. With uv, which shares what it installs
// among environments itself, it is made from nothing.
func (e *Environment) buildPython(ctx context.Context, recipe *recipe, force bool, log Log) error {
	b, r := e.builder, recipe.python
	uv := b.find("uv")
	host, err := b.python(ctx, r.version)
	if err != nil {
		return err
	}
	var made *interpreter
	if uv == "" && host != nil && r.hasLocal() {
		if made, err = e.derive(ctx, host, r, force, log); err != nil {
			return err
		}
	}
	installing := log
	if made == nil {
		withPip := len(r.layers) > 0 || recipe.isBase
		if made, err = b.makeVenv(ctx, uv, host, filepath.Join(e.folder(), "venv"), r.version, withPip, log); err != nil {
			return err
		}
	} else {
		installing = withoutSatisfied(log)
	}
	for _, layer := range r.layers {
		if len(layer) == 0 {
			continue
		}
		log("INFO", "installing "+redact(strings.Join(shown(layer), ", ")))
		if err := b.install(ctx, uv, r, layer, installing, made.Path); err != nil {
			return err
		}
	}
	made.Path, err = filepath.Rel(e.folder(), made.Path)
	e.Python = made
	return err
}

// shown are requirements without the folders of local distributions.
func shown(layer []string) []string {
	words := slices.Clone(layer)
	for i, word := range words {
		if what, location, ok := strings.Cut(word, localMark); ok {
			words[i] = what + " @ " + path.Base(location)
		}
	}
	return words
}

// withoutSatisfied leaves out what pip says of each package that is there already.
func withoutSatisfied(log Log) Log {
	return func(level, message string) {
		if !strings.HasPrefix(message, "Requirement already satisfied: ") {
			log(level, message)
		}
	}
}

// makeVenv makes a virtual environment without packages, but for pip if that is
// wanted; base is nil if no Python of the version is on PATH.
func (b *Builder) makeVenv(ctx context.Context, uv string, base *interpreter, venv, version string, withPip bool, log Log) (*interpreter, error) {
	var argv []string
	switch {
	case uv != "":
		argv = []string{uv, "venv", "--quiet", "--no-project", "--no-config"}
		if base != nil {
			argv = append(argv, "--python", base.Path)
		} else if version != "" {
			argv = append(argv, "--python", version)
		}
		argv = append(argv, venv)
	case base != nil:
		argv = []string{base.Path, "-m", "venv"}
		if !withPip {
			argv = append(argv, "--without-pip")
		}
		argv = append(argv, venv)
	default:
		return nil, failf("no Python %sis on the PATH of the control plane: install it, or uv (https://docs.astral.sh/uv), which fetches Pythons itself, and start the control plane again", spaced(version))
	}
	log("INFO", fmt.Sprintf("making a virtual environment of Python %swith %s", spaced(version), filepath.Base(argv[0])))
	err := b.run(ctx, runtime.Spec{ID: "venv", Argv: argv, Env: b.toolEnvironment(), Dir: b.dir}, tool(log))
	var exit *exitError
	if errors.As(err, &exit) {
		hint := ""
		if uv == "" {
			hint = "\nOn some systems venv is a package of its own, such as python3-venv."
		}
		return nil, failf("no virtual environment of Python %scould be made: %s%s", spaced(version), exit.reason(), hint)
	}
	if err != nil {
		return nil, err
	}
	return b.madeVenv(ctx, venv)
}

// madeVenv returns the Python of a virtual environment.
func (b *Builder) madeVenv(ctx context.Context, venv string) (*interpreter, error) {
	made, err := b.inspect(ctx, filepath.Join(venv, scripts, pythonName))
	if err == nil && made == nil {
		err = failf("the Python of the virtual environment does not start")
	}
	return made, err
}

func spaced(version string) string {
	if version == "" {
		return ""
	}
	return version + " "
}

// install installs packages for a Python; more are options that say where to.
func (b *Builder) install(ctx context.Context, uv string, r *pythonRecipe, packages []string, log Log, python string, more ...string) error {
	var argv []string
	env := b.toolEnvironment()
	if uv != "" {
		argv = []string{uv, "pip", "install", "--python", python, "--no-progress", "--no-config"}
		if r.bytecode {
			argv = append(argv, "--compile-bytecode")
		}
	} else {
		argv = []string{python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"}
	}
	// What an index is reached with may be a credential, and an argv is seen by all.
	if len(r.indexes) > 0 {
		for _, name := range []string{"PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"} {
			env = append(env, name+"="+strings.Join(append(strings.Fields(b.variable(name)), r.indexes...), " "))
		}
	}
	options, requirements := separate(packages)
	argv = append(append(argv, more...), options...)
	// The names of the lists say nothing to those who wrote the requirements.
	var titles []string
	if len(requirements) > 0 {
		if len(r.reserved) > 0 {
			reserved, err := b.reserve(r.reserved)
			if err != nil {
				return err
			}
			defer os.Remove(reserved) // or it is swept
			titles = append(titles, reserved, reservedTitle, filepath.Base(reserved), reservedTitle)
			// The line before it may go on; and it is in the folder of the list.
			requirements = append(requirements, "", "-c "+filepath.Base(reserved))
		}
		list, err := b.list("requirements-*.txt", requirements)
		if err != nil {
			return err
		}
		defer os.Remove(list)
		titles = append(titles, list, "requirements.txt")
		argv = append(argv, "-r", list)
	}
	readable := func(text string) string { return redact(strings.NewReplacer(titles...).Replace(text)) }
	redacted := func(level, message string) { log(level, readable(message)) }
	err := b.run(ctx, runtime.Spec{ID: "install", Argv: argv, Env: env, Dir: b.dir}, tool(redacted))
	var exit *exitError
	if errors.As(err, &exit) {
		return failf("the requirements could not be installed: %s", readable(exit.reason()))
	}
	return err
}

// separate returns the options among requirements, which the requirements files of
// not every installer may have, and the others. An option whose value may be a
// credential is one of the others, on a line with its value.
func separate(packages []string) (options, requirements []string) {
	for i := 0; i < len(packages); i++ {
		word := packages[i]
		if !strings.HasPrefix(word, "-") {
			requirements = append(requirements, word)
			continue
		}
		if i+1 < len(packages) && !strings.Contains(word, "=") && isURL(packages[i+1]) {
			i++
			word += " " + packages[i]
		}
		switch {
		case redact(word) != word:
			requirements = append(requirements, word)
		default:
			options = append(options, strings.Fields(word)...)
		}
	}
	return options, requirements
}

// isURL reports whether a word is a URL, and not a requirement that has one.
func isURL(word string) bool {
	scheme, _, ok := strings.Cut(word, "://")
	return ok && !strings.ContainsAny(scheme, " @[")
}

// list writes requirements to a file that its owner alone reads: an argv is seen by
// all, and a requirement may have a credential in it. The pattern is that of
// [os.CreateTemp].
func (b *Builder) list(pattern string, requirements []string) (string, error) {
	file, err := os.CreateTemp(filepath.Join(b.dir, temporary), pattern)
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(strings.Join(requirements, "\n") + "\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// reservedTitle is what logs call the file of [Builder.reserve].
const reservedTitle = "own-packages.txt"

// reserve writes constraints with which nothing is installed that needs one of the
// packages: each is said to be where no file can be, as a version that does not exist
// would have installers look for older packages that do not need it.
func (b *Builder) reserve(names []string) (string, error) {
	nowhere, err := b.list("own-packages-*.txt", nil)
	if err != nil {
		return "", err
	}
	place := url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(nowhere), "/")}
	var text strings.Builder
	for _, name := range names {
		text.WriteString(name + " @ " + place.JoinPath(name+".tar.gz").String() + "\n")
	}
	if err := os.WriteFile(nowhere, []byte(text.String()), 0o600); err != nil {
		return "", errors.Join(err, os.Remove(nowhere))
	}
	return nowhere, nil
}

// redact hides who a URL is asked for as, for logs and errors.
func redact(text string) string {
	return regexp.MustCompile(`://[^/\s]*@`).ReplaceAllString(text, "://***@")
}

// packagesOf returns what is installed beside the requirements so that functions
// of a method can be loaded: what the runners of the service bring.
func packagesOf(method string) ([]string, error) {
	switch method {
	case "pickle":
		return nil, nil
	case "cloudpickle", "dill":
		return []string{method, "isolate"}, nil
	}
	return nil, failf("functions serialized with %q cannot be loaded here: cloudpickle, dill and pickle can", method)
}

// Loads reports whether functions of a method can be loaded at once, or never.
func (e *Environment) Loads(method string) bool {
	if e.Python == nil || method == "pickle" {
		return true
	}
	for _, name := range []string{e.ownMark(method), e.builder.supportFolder(e.Python, method)} {
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}

// ownMark is a file that is there when the environment itself has what functions of
// a method are loaded with.
func (e *Environment) ownMark(method string) string {
	return filepath.Join(e.folder(), "loads-"+method)
}

// support sees that the environment can load functions of methods. Packages that it
// lacks are in a folder that all environments of such a Python share, which comes
// after their own.
func (e *Environment) support(ctx context.Context, methods []string, log Log) error {
	for _, method := range methods {
		packages, err := packagesOf(method)
		if err != nil {
			return err
		}
		if e.Loads(method) {
			continue
		}
		python := *e.Python
		python.Path = filepath.Join(e.folder(), python.Path)
		has, err := e.builder.imports(ctx, &python, packages...)
		if err != nil {
			return err
		}
		if has {
			err = os.WriteFile(e.ownMark(method), nil, 0o600)
		} else {
			err = e.builder.support(ctx, &python, method, packages, log)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// support installs packages into the folder that all environments of such a Python
// share.
func (b *Builder) support(ctx context.Context, python *interpreter, method string, packages []string, log Log) error {
	b.supporting.Lock()
	defer b.supporting.Unlock()
	folder := b.supportFolder(python, method)
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	log("INFO", "installing what functions of "+method+" are loaded with")
	fresh, err := os.MkdirTemp(filepath.Join(b.dir, "support"), unfinished)
	if err != nil {
		return err
	}
	uv, installer := b.find("uv"), python.Path
	if uv == "" {
		installer, err = b.withPip(ctx, python)
	}
	if err == nil {
		err = b.install(ctx, uv, &pythonRecipe{}, packages, log, installer, "--target", fresh)
	}
	if err == nil {
		err = os.Rename(fresh, folder)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	return nil
}

// imports reports whether a Python has modules.
func (b *Builder) imports(ctx context.Context, python *interpreter, modules ...string) (bool, error) {
	err := b.run(ctx, runtime.Spec{
		ID:   "import",
		Argv: []string{python.Path, "-I", "-c", "import " + strings.Join(modules, ", ")},
		Env:  b.toolEnvironment(),
		Dir:  b.dir,
	}, nil)
	var exit *exitError
	if errors.As(err, &exit) {
		return false, nil
	}
	return err == nil, err
}

// withPip returns a Python that can install packages for another: itself, or if
// it has no pip, as in a virtual environment without requirements, one like it.
func (b *Builder) withPip(ctx context.Context, python *interpreter) (string, error) {
	if has, err := b.imports(ctx, python, "pip"); has || err != nil {
		return python.Path, err
	}
	base, err := b.python(ctx, python.Version)
	if err == nil && base != nil && base.Tag == python.Tag {
		return base.Path, nil
	}
	return python.Path, err
}

func (b *Builder) supportFolder(python *interpreter, method string) string {
	return filepath.Join(b.dir, "support", method+"-"+python.Tag)
}
