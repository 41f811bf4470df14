package project

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/fal-plugins/fal/pkg/fal"
)

// Options say what to look for and where.
type Options struct {
	// Dir is the working folder; "" is that of the process.
	Dir string
	// Ref is the reference as it was typed: an app of the pyproject.toml,
	// "file.py" or "file.py::Name"; "" is the one Python file of Dir.
	Ref string
	// AppName and AuthMode replace those of a Python file. They are an error
	// with an app of the pyproject.toml, which has its own.
	AppName  string
	AuthMode *fal.AuthMode
	// Python is the interpreter for what needs one; "" leaves it to FAL_PYTHON
	// and what is found.
	Python string
	// Getenv reads a variable; nil: [os.Getenv].
	Getenv func(string) string
	// Stderr gets what the user's code or a build prints while loading; nil:
	// nothing does.
	Stderr io.Writer
}

func (o Options) getenv(name string) string {
	if o.Getenv == nil {
		return os.Getenv(name)
	}
	return o.Getenv(name)
}

func (o Options) stderr() io.Writer {
	if o.Stderr == nil {
		return io.Discard
	}
	return o.Stderr
}

// Kind says what an app's code is.
type Kind int

const (
	// ImageOnly is the command of a container image.
	ImageOnly Kind = iota + 1
	// EntryPoint is a class that the app's environment can import.
	EntryPoint
	// PythonFile is a class or a function of a file of this machine.
	PythonFile
)

// String is "image", "entry point" or "Python file".
func (k Kind) String() string {
	switch k {
	case ImageOnly:
		return "image"
	case EntryPoint:
		return "entry point"
	case PythonFile:
		return "Python file"
	}
	return "unknown"
}

// Target is an app that was found, and what is said of it by the reference and
// the pyproject.toml.
type Target struct {
	// Ref is the reference as it was typed; an app of [FindAll] has its name
	// there.
	Ref string
	// Name is the app's name without its environment. It is empty for a Python
	// file that has not been loaded, unless it was given.
	Name string
	// DisplayName is what people call it: the class, else the name.
	DisplayName string
	Kind        Kind
	// Root is the project's folder, absolute: the nearest with a .git, or with
	// a pyproject.toml that has [tool.fal].
	Root string
	// File is the Python file, absolute, and Symbol the class or function in it;
	// "" is the only one. For an entry point Symbol is "module:Symbol".
	File, Symbol string
	// Pyproject is the file that has the app's settings; "" for none.
	Pyproject string
	// Team is the account that the app is deployed to; "" leaves it open.
	// TeamFrom is what says so, as in "tool.fal.apps.web.team in
	// pyproject.toml:3".
	Team, TeamFrom string
	// Strategy and ResetScale are how the app wants to be deployed; nil leaves
	// them open.
	Strategy   *fal.DeploymentStrategy
	ResetScale *bool
	// Notices are what people should know, a line each.
	Notices []string

	options  Options
	settings *settings // of the pyproject; nil without
}

// Loaded is an app that can be deployed, until it is closed.
type Loaded struct {
	*Target
	App fal.App
	// LeftOut is what the default ignore rules keep out of the App's files and
	// somebody may miss, in the order of the paths. What versions, describes the
	// image or is made by tools, as .git, Dockerfile and __pycache__, is not
	// among it.
	LeftOut []LeftOut

	cleanups []func() error
}

// Close removes temporary files, and ends the reading of App.Files.
func (l *Loaded) Close() error {
	var errs []error
	for _, cleanup := range l.cleanups {
		errs = append(errs, cleanup())
	}
	l.cleanups = nil
	return errors.Join(errs...)
}

// Load makes the app. It hashes nothing and sends nothing, but may run Python
// and build source distributions; ctx ends them. What it finds wrong with the
// project is [Problems], and what Python says is a [*LoadError].
func (t *Target) Load(ctx context.Context) (*Loaded, error) {
	target := *t
	l := &Loaded{Target: &target}
	if err := l.load(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
