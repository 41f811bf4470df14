package build

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed runner.py
var runner embed.FS

// Object is a serialized Python value in the format of the module that Method
// names. One that Raised is an exception, told in words as well.
type Object struct {
	Method     string
	Definition []byte

	Raised                                bool
	Traceback, Exception, ExceptionString string
}

// Callable is what a runner executes: Function, Entrypoint ("module:Symbol.method"),
// or neither for the image's own command.
type Callable struct {
	Function   *Object
	Setup      *Object // called before Function, which is given its value
	Entrypoint string
	MainThread bool // it expects an event loop to run
}

// Ports are where a runner is to listen.
type Ports struct {
	Port    int  // that it is told
	Metrics int  // likewise, for its metrics
	Exposed *int // that it says it binds; nil when it does not say
	// Taken is a file that is made when a callable takes Port, and so binds no
	// port of its own; empty for none.
	Taken string
}

// Program is how to execute a callable.
type Program struct {
	// FixedPort is where the process listens if it does not take the port that it
	// is told; 0 when that is not known.
	FixedPort int

	builder *Builder
	image   *image // nil for a Python environment without one
	argv    []string
	env     []string
	tree    string // folder to copy, or empty
	venv    string // folder of programs that come first, or empty
}

// Placed is a program that can be started.
type Placed struct {
	Argv []string
	Env  []string // NAME=value, to be added to the environment of the process
	Dir  string
}

// Program says how to execute a callable in the environment. It installs what
// functions are loaded with if that is missing.
func (e *Environment) Program(ctx context.Context, c Callable, ports Ports, log Log) (*Program, error) {
	p := &Program{builder: e.builder, image: e.Image}
	if e.Tree {
		p.tree = e.tree()
	}
	if ports.Exposed != nil {
		p.FixedPort = *ports.Exposed
	}
	if c.Function == nil && c.Entrypoint == "" {
		if e.Image == nil || len(e.Image.Argv) == 0 {
			return nil, failf("there is nothing to run: the app has no function, no entry point and no image with a command")
		}
		p.argv = e.Image.Argv
		if p.FixedPort == 0 {
			p.FixedPort = e.Image.Port
		}
		return p, nil
	}
	if p.FixedPort == 0 {
		p.FixedPort = defaultExposedPort
	}
	order := order{
		Entrypoint: c.Entrypoint,
		MainThread: c.MainThread,
		Offers:     map[string]int{"exposed_port": ports.Port, "exposed_metrics_port": ports.Metrics},
		Taken:      ports.Taken,
	}
	return p, e.python(ctx, p, c, order, log)
}

// defaultExposedPort is where Python apps listen that are not told.
const defaultExposedPort = 8080

// order is what the runner script is told.
type order struct {
	Function   *stored        `json:"function,omitempty"`
	Setup      *stored        `json:"setup,omitempty"`
	Entrypoint string         `json:"entrypoint,omitempty"`
	MainThread bool           `json:"main_thread,omitempty"`
	Offers     map[string]int `json:"offers,omitempty"`
	Taken      string         `json:"taken,omitempty"`
	Support    []string       `json:"support,omitempty"`
	Result     string         `json:"result,omitempty"`
}

type stored struct {
	Path   string `json:"path"`
	Method string `json:"method"`
}

// python completes a program that runs a callable.
func (e *Environment) python(ctx context.Context, p *Program, c Callable, order order, log Log) error {
	if e.Python == nil {
		return failf("the environment has no Python: an image that a Python app runs in must not say use_isolate = false")
	}
	python := *e.Python
	python.Path = filepath.Join(e.folder(), python.Path)
	var err error
	for _, object := range []*Object{c.Function, c.Setup} {
		if object == nil {
			continue
		}
		if err := e.support(ctx, []string{object.Method}, log); err != nil {
			return err
		}
		if folder := e.builder.supportFolder(&python, object.Method); !slices.Contains(order.Support, folder) {
			order.Support = append(order.Support, folder)
		}
	}
	if order.Function, err = e.builder.store(c.Function); err != nil {
		return err
	}
	if order.Setup, err = e.builder.store(c.Setup); err != nil {
		return err
	}
	script, err := e.builder.script()
	if err != nil {
		return err
	}
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	p.argv = []string{python.Path, "-u", script, string(text)}
	p.venv = filepath.Dir(python.Path)
	p.env = []string{"VIRTUAL_ENV=" + filepath.Dir(p.venv), "PYTHONHOME=", "PYTHONPATH=", "PYTHONUNBUFFERED=1", "IS_ISOLATE_AGENT=1"}
	return nil
}

// store writes a serialized object to a file named by its content.
func (b *Builder) store(object *Object) (*stored, error) {
	if object == nil {
		return nil, nil
	}
	sum := sha256.Sum256(object.Definition)
	name := filepath.Join(b.dir, "functions", hex.EncodeToString(sum[:]))
	return &stored{Path: name, Method: object.Method}, b.keep(name, object.Definition)
}

// script writes the runner script to a file named by its content.
func (b *Builder) script() (string, error) {
	text, err := runner.ReadFile("runner.py")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	name := filepath.Join(b.dir, "functions", "runner-"+hex.EncodeToString(sum[:8])+".py")
	return name, b.keep(name, text)
}

// keep writes a file whose name tells its content, unless it is there.
func (b *Builder) keep(name string, content []byte) error {
	if info, err := os.Stat(name); err == nil && info.Size() == int64(len(content)) {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(name), unfinished)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Place copies the program's files into root, an existing folder that is the
// runner's alone, and returns what to start.
func (p *Program) Place(root string) (*Placed, error) {
	if p.tree != "" {
		if err := copyTree(root, p.tree); err != nil {
			return nil, fmt.Errorf("copy the files of the app: %w", err)
		}
	}
	if p.image == nil {
		return &Placed{Argv: p.argv, Env: p.environment(nil), Dir: root}, nil
	}
	at := p.builder.place(root, p.image)
	if err := os.MkdirAll(at.dir, 0o700); err != nil {
		return nil, err
	}
	if p.venv != "" {
		return &Placed{Argv: p.argv, Env: p.environment(at), Dir: at.dir}, nil
	}
	found, err := p.builder.program(at, p.argv[0])
	if err != nil {
		return nil, err
	}
	argv := slices.Clone(p.argv)
	for i := range argv {
		argv[i] = translate(root, argv[i])
	}
	argv[0] = found
	env := at.env
	if _, shell := shellLine(argv); shell {
		shims, err := p.builder.shims()
		if err != nil {
			return nil, err
		}
		if shims != "" {
			env = append(slices.Clone(env), "PATH="+at.searchPath(p.builder)+string(filepath.ListSeparator)+shims)
		}
	}
	return &Placed{Argv: argv, Env: env, Dir: at.dir}, nil
}

// environment is what a Python gets. What the image says of PYTHONPATH and PATH
// counts after the virtual environment.
func (p *Program) environment(at *placed) []string {
	search := p.builder.variable("PATH")
	env := slices.Clone(p.env)
	if at != nil {
		search = at.searchPath(p.builder)
		for _, entry := range at.env {
			if !strings.HasPrefix(entry, "PATH=") {
				env = append(env, entry)
			}
		}
	}
	return append(env, "PATH="+p.venv+string(filepath.ListSeparator)+search)
}

// shims returns a folder in which python is python3, where there is no python.
func (b *Builder) shims() (string, error) {
	target := b.find("python3")
	if isWindows || target == "" || b.find("python") != "" {
		return "", nil
	}
	folder := filepath.Join(b.dir, "functions", "shims")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	if err := os.Symlink(target, filepath.Join(folder, "python")); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return folder, nil
}
