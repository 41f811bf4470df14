package project

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/fal-plugins/fal/pkg/fal"
)

// buildSource makes the source distribution of the project in dir: by itself if
// its metadata are static, so that the same files give the same bytes, else
// with "uv build" or "python -m build", whose output goes to Options.Stderr. The
// cleanup removes it; it may be nil after an error.
func buildSource(ctx context.Context, o Options, dir string) (source fal.Source, cleanup func() error, err error) {
	m, err := readPackage(dir)
	if err != nil {
		return fal.Source{}, nil, err
	}
	out, err := os.MkdirTemp("", "fal-sdist-")
	if err != nil {
		return fal.Source{}, nil, err
	}
	cleanup = func() error { return os.RemoveAll(out) }
	var name string
	if why := m.needsTool(dir); why != "" {
		name, err = buildWithTool(ctx, o, dir, out, why)
	} else {
		name, err = writeSource(ctx, m, dir, out)
	}
	if err != nil {
		return fal.Source{}, cleanup, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return fal.Source{}, cleanup, err
	}
	return fal.Source{
		Package:  m.Project.Name,
		FileName: filepath.Base(name),
		Size:     info.Size(),
		Open:     func() (io.ReadCloser, error) { return os.Open(name) },
	}, cleanup, nil
}

// metadata is what a pyproject.toml says of its package.
type metadata struct {
	Project struct {
		Name           string              `toml:"name"`
		Version        string              `toml:"version"`
		Description    string              `toml:"description"`
		RequiresPython string              `toml:"requires-python"`
		Dependencies   []string            `toml:"dependencies"`
		Optional       map[string][]string `toml:"optional-dependencies"`
		Dynamic        []string            `toml:"dynamic"`
		Classifiers    []string            `toml:"classifiers"`
		Keywords       []string            `toml:"keywords"`
		URLs           map[string]string   `toml:"urls"`
	} `toml:"project"`
	BuildSystem struct {
		BackendPath []string `toml:"backend-path"`
	} `toml:"build-system"`
	Tool map[string]any `toml:"tool"`
}

func readPackage(dir string) (*metadata, error) {
	name := filepath.Join(dir, "pyproject.toml")
	const hint = "a requirement that is a folder is installed from it, so it must be a Python project with a name"
	if !exists(name) {
		return nil, Problems{{File: name, Message: "there is no such file", Hint: hint}}
	}
	text, err := readText(name, name)
	if err != nil {
		return nil, err
	}
	if _, err := parsePyproject(text, name, name); err != nil {
		return nil, err
	}
	var m metadata
	if err := toml.Unmarshal(text, &m); err != nil {
		p := Problem{File: name, Message: strings.TrimPrefix(err.Error(), "toml: ")}
		var place *toml.DecodeError
		if errors.As(err, &place) {
			p.Line, p.Column = place.Position()
			p.Key = strings.Join(place.Key(), ".")
		}
		return nil, Problems{p}
	}
	if m.Project.Name == "" {
		return nil, Problems{{File: name, Key: "project.name", Message: "is missing", Hint: hint}}
	}
	if !packageName().MatchString(m.Project.Name) {
		return nil, Problems{{File: name, Key: "project.name", Message: fmt.Sprintf("%q is not the name of a package", m.Project.Name)}}
	}
	if v := m.Project.Version; v != "" && normalVersion(v) == "" {
		return nil, Problems{{File: name, Key: "project.version", Message: fmt.Sprintf("%q is not a version as in 1.2.3 or 2.0rc1", v)}}
	}
	return &m, nil
}

func packageName() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$`)
}

// needsTool says why only the project's own build system can make its
// distribution; "" if we can.
func (m *metadata) needsTool(dir string) string {
	switch {
	case len(m.Project.Dynamic) > 0:
		return "its " + strings.Join(m.Project.Dynamic, ", ") + " are computed when it is built"
	case m.Project.Version == "":
		return "its pyproject.toml has no version"
	case len(m.BuildSystem.BackendPath) > 0:
		return "it has a build system of its own"
	case isFile(filepath.Join(dir, "setup.py")):
		return "it has a setup.py"
	}
	for _, steps := range [][]string{
		{"hatch", "build", "hooks"},
		{"hatch", "build", "targets", "sdist"},
		{"pdm", "build"},
		{"setuptools", "cmdclass"},
		{"setuptools_scm"},
		{"maturin"},
	} {
		if within(m.Tool, steps) {
			return "its pyproject.toml has tool." + strings.Join(steps, ".")
		}
	}
	return ""
}

func within(table map[string]any, keys []string) bool {
	value, ok := table[keys[0]]
	if !ok || len(keys) == 1 {
		return ok
	}
	below, ok := value.(map[string]any)
	return ok && within(below, keys[1:])
}

// buildWithTool has the project's build system make the distribution in out.
func buildWithTool(ctx context.Context, o Options, dir, out, why string) (string, error) {
	argv := []string{"uv", "build", "--sdist", "--out-dir", out, dir}
	if uv, err := exec.LookPath("uv"); err == nil {
		argv[0] = uv
	} else {
		python, err := findPython(o, dir)
		if err != nil {
			return "", problem("install uv, or Python with its build package: `pip install build`",
				"the requirement %s has to be built (%s), and there is neither uv nor Python", dir, why)
		}
		argv = slices.Concat(python.argv, []string{"-m", "build", "--sdist", "--outdir", out, dir})
	}
	if err := runTool(ctx, dir, o.stderr(), argv...); err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		return "", &LoadError{
			Message: fmt.Sprintf("the requirement %s could not be built (%s): %v", dir, why, err),
			Hint:    "what the build said is above; it needs uv on PATH, or the build package: `pip install build`",
		}
	}
	found, err := filepath.Glob(filepath.Join(out, "*.tar.gz"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", &LoadError{Message: fmt.Sprintf("building the requirement %s gave %d source distributions where one was expected", dir, len(found))}
	}
	return found[0], nil
}

// writeSource makes a source distribution in out. Its bytes depend on the files
// alone: neither their owners nor their times are in it.
func writeSource(ctx context.Context, m *metadata, dir, out string) (name string, err error) {
	dir, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	files, err := sourceFiles(ctx, dir)
	if err != nil {
		return "", err
	}
	stem := m.distribution() + "-" + normalVersion(m.Project.Version)
	name = filepath.Join(out, stem+".tar.gz")
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	packed := gzip.NewWriter(file)
	archive := tar.NewWriter(packed)
	info := m.info()
	if err := archive.WriteHeader(header(path.Join(stem, "PKG-INFO"), 0o644, int64(len(info)))); err != nil {
		return "", err
	}
	if _, err := archive.Write(info); err != nil {
		return "", err
	}
	for _, relative := range files {
		if err := ctx.Err(); err != nil {
			return "", context.Cause(ctx)
		}
		if relative == "PKG-INFO" {
			continue
		}
		if err := addFile(archive, root, stem, relative); err != nil {
			return "", err
		}
	}
	return name, errors.Join(archive.Close(), packed.Close())
}

// header has the time that all files have, which is one that zip files can have
// too: wheels are made of them.
func header(name string, mode, size int64) *tar.Header {
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size,
		ModTime: time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC),
	}
}

// addFile adds a file of the folder root, or what a link leads to if it leads to
// a file of it.
func addFile(archive *tar.Writer, root *os.Root, stem, relative string) error {
	real, err := filepath.EvalSymlinks(filepath.Join(root.Name(), filepath.FromSlash(relative)))
	if err != nil {
		return err
	}
	below, err := filepath.Rel(root.Name(), real)
	if err != nil || !filepath.IsLocal(below) {
		return problem("", "%s leads out of %s, and only files in there can be part of its source distribution", relative, root.Name())
	}
	file, err := openBelow(root, below)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	if err := archive.WriteHeader(header(path.Join(stem, relative), mode, info.Size())); err != nil {
		return err
	}
	if n, err := io.Copy(archive, file); err != nil || n != info.Size() {
		return fmt.Errorf("%s changed while it was read: %w", real, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// distribution is the package's name as file names have it.
func (m *metadata) distribution() string {
	return regexp.MustCompile(`[-_.]+`).ReplaceAllString(strings.ToLower(m.Project.Name), "_")
}

// info is the file PKG-INFO.
func (m *metadata) info() []byte {
	var b bytes.Buffer
	field := func(name, value string) {
		if value = strings.Join(strings.Fields(value), " "); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	p := m.Project
	// Later versions of the format promise that no build changes what is said
	// here, which only the build system could.
	field("Metadata-Version", "2.1")
	field("Name", p.Name)
	field("Version", normalVersion(p.Version))
	field("Summary", p.Description)
	field("Keywords", strings.Join(p.Keywords, ","))
	for _, classifier := range p.Classifiers {
		field("Classifier", classifier)
	}
	for _, label := range slices.Sorted(maps.Keys(p.URLs)) {
		field("Project-URL", label+", "+p.URLs[label])
	}
	field("Requires-Python", p.RequiresPython)
	for _, requirement := range p.Dependencies {
		field("Requires-Dist", requirement)
	}
	for _, extra := range slices.Sorted(maps.Keys(p.Optional)) {
		field("Provides-Extra", extra)
		for _, requirement := range p.Optional[extra] {
			what, marker, marked := strings.Cut(requirement, ";")
			if condition := fmt.Sprintf("extra == %q", extra); marked {
				field("Requires-Dist", fmt.Sprintf("%s; (%s) and %s", what, strings.TrimSpace(marker), condition))
			} else {
				field("Requires-Dist", what+"; "+condition)
			}
		}
	}
	return b.Bytes()
}
