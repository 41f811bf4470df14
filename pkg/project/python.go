package project

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
)

// The releases of the fal package that the loader was tried with. It refuses
// older ones; newer ones are tried, with a notice.
const (
	oldestFal = "1.78"
	newestFal = "1.83"
)

// largestAnswer bounds what the loader may say, in bytes: twice what a
// serialized app may have on the wire.
const largestAnswer = 4 << 30

//go:embed loader.py
var loader []byte

// LoadError says why Python could not load an app.
type LoadError struct {
	// Message is one line.
	Message string
	// Traceback is that of the user's code, without what called it; "" if the
	// failure is not in there.
	Traceback string
	// Hint says what to do; "" for nothing that is known.
	Hint string
}

func (e *LoadError) Error() string { return strings.Join(e.ErrorLines(), "\n") }

// ErrorLines returns the message and the lines of the traceback.
func (e *LoadError) ErrorLines() []string {
	lines := []string{e.Message}
	if e.Traceback != "" {
		lines = append(lines, strings.Split(strings.TrimRight(e.Traceback, "\n"), "\n")...)
	}
	return lines
}

// Hints returns what to do.
func (e *LoadError) Hints() []string {
	if e.Hint == "" {
		return nil
	}
	return []string{e.Hint}
}

// ErrorCode returns the code as a word.
func (e *LoadError) ErrorCode() string { return "load_failed" }

// question is what the loader is asked. An app of a pyproject.toml is read
// there by the fal package itself, which merges the table with what the code
// says as no other program can know.
type question struct {
	Oldest string `json:"oldest"`
	App    string `json:"app"`
	File   string `json:"file"`
	Symbol string `json:"symbol"`
	Name   string `json:"name"`
	Auth   string `json:"auth"`
}

// answer is what the loader says.
type answer struct {
	Failure *failure `json:"failure"`
	Version string   `json:"version"`
	// Register and Build are requests of the wire.
	Register []byte `json:"register"`
	Build    []byte `json:"build"`
	// Files are what the requests name by Hash, which is none of the service's.
	Files []struct {
		Hash string `json:"hash"`
		Path string `json:"path"`
		From string `json:"from"`
	} `json:"files"`
	// RequirementsDir is what relative requirements are relative to, if one of
	// them is a folder.
	RequirementsDir string `json:"requirements_dir"`
	Class           string `json:"class"`
}

type failure struct {
	Kind      string   `json:"kind"`
	Message   string   `json:"message"`
	Traceback string   `json:"traceback"`
	Version   string   `json:"version"`
	Choices   []string `json:"choices"`
	// Problems are those of the options of a class or a function.
	Problems []struct {
		Key     string `json:"key"`
		Line    int    `json:"line"`
		Message string `json:"message"`
	} `json:"problems"`
}

// loadPython has the app of a Python file loaded by the fal package that is
// installed where the project's Python is.
func (l *Loaded) loadPython(ctx context.Context) error {
	python, err := findPython(l.options, l.Root)
	if err != nil {
		return err
	}
	q := question{Oldest: oldestFal, File: l.File, Symbol: l.Symbol, Name: l.options.AppName}
	if l.Pyproject != "" {
		q.App, q.Name = l.Ref, ""
	}
	if l.options.AuthMode != nil {
		q.Auth = l.options.AuthMode.String()
	}
	said, err := python.ask(ctx, l.options, q)
	if err != nil {
		return err
	}
	if said.Failure != nil {
		return said.Failure.explain(l.Target, python)
	}
	if newer(said.Version, newestFal) {
		l.Notices = append(l.Notices, fmt.Sprintf("the fal package is version %s; releases from %s to %s are known to work", said.Version, oldestFal, newestFal))
	}
	app, tree, err := decodeApp(said)
	if err != nil {
		return &LoadError{
			Message: fmt.Sprintf("fal %s makes a request that this program cannot send: %v", said.Version, err),
			Hint:    "update this program, or install a release of fal from " + oldestFal + " to " + newestFal,
		}
	}
	l.App, l.Name, l.DisplayName = app, app.Name, said.Class
	l.take(tree)
	if said.RequirementsDir == "" {
		return nil
	}
	sources, cleanups, err := localSources(ctx, l.options, said.RequirementsDir, requirementsOf(app.Build))
	l.cleanups = append(l.cleanups, cleanups...)
	l.App.Sources = sources
	return err
}

// requirementsOf are those of an environment as the wire has it.
func requirementsOf(build fal.Build) [][]string {
	definition, _ := build.(fal.Definition)
	list, _ := definition.Configuration["requirements"].([]any)
	flat := []string{}
	var layers [][]string
	for _, item := range list {
		switch item := item.(type) {
		case string:
			flat = append(flat, item)
		case []any:
			layer := []string{}
			for _, one := range item {
				if text, ok := one.(string); ok {
					layer = append(layer, text)
				}
			}
			layers = append(layers, layer)
		}
	}
	return append(layers, flat)
}

// ask runs the loader. Whatever the app prints goes to Options.Stderr.
func (p interpreter) ask(ctx context.Context, o Options, q question) (a *answer, err error) {
	dir, err := os.MkdirTemp("", "fal-load-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	script := filepath.Join(dir, "loader.py")
	if err := os.WriteFile(script, loader, 0o600); err != nil {
		return nil, err
	}
	asked, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	cmd := p.command(ctx, o.Dir, script)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(asked), o.stderr()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, p.unusable(err)
	}
	text, readErr := readAnswer(out)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case readErr != nil && err != nil:
		return nil, p.unusable(err)
	case readErr != nil:
		return nil, p.unusable(readErr)
	}
	// A process that the app started may live on and keep its pipes.
	var said answer
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, p.unusable(err)
	}
	return &said, nil
}

// unusable: the interpreter ended, or was none, before it could say anything.
func (p interpreter) unusable(err error) error {
	e := &LoadError{Message: fmt.Sprintf("%s (%s) did not load the app: %v", p, p.origin, err)}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		e.Hint = "name another interpreter with --python or FAL_PYTHON"
	}
	return e
}

// readAnswer reads a number in decimal on its own line, and as many bytes.
func readAnswer(r io.Reader) ([]byte, error) {
	in := bufio.NewReaderSize(r, 64)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("it gave no answer: %w", err)
	}
	size, err := strconv.ParseInt(strings.TrimSuffix(string(line), "\n"), 10, 64)
	if err != nil || size < 0 || size > largestAnswer {
		return nil, fmt.Errorf("it answered %q where a size was expected", line)
	}
	var text bytes.Buffer
	if n, err := io.Copy(&text, io.LimitReader(in, size)); err != nil || n < size {
		return nil, fmt.Errorf("its answer ended after %d of %d bytes: %w", n, size, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return text.Bytes(), nil
}

// newer reports whether a version's first two numbers are above those of known.
func newer(version, known string) bool {
	var major, minor, knownMajor, knownMinor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 {
		return true
	}
	_, _ = fmt.Sscanf(known, "%d.%d", &knownMajor, &knownMinor)
	return major > knownMajor || major == knownMajor && minor > knownMinor
}

// explain says what a failure means for the target, and what to do.
func (f *failure) explain(t *Target, python interpreter) error {
	file := t.File
	if rel, err := filepath.Rel(t.options.Dir, t.File); err == nil && !strings.HasPrefix(rel, "..") {
		file = rel
	}
	install := fmt.Sprintf("%s -m pip install %q", python, "fal>="+oldestFal)
	if python.origin == "uv run" {
		install = "uv add fal"
	}
	choose := func(format string, args ...any) error {
		var refs []string
		for _, name := range f.Choices {
			refs = append(refs, file+separator+name)
		}
		hint := ""
		if len(refs) > 0 {
			hint = "write " + strings.Join(refs, " or ")
		}
		return Problems{{File: file, Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	switch f.Kind {
	case "missing":
		return &LoadError{
			Message: fmt.Sprintf("%s needs the fal package, which is not installed for %s (%s)", file, python, python.origin),
			Hint:    "`" + install + "` installs it; --python and FAL_PYTHON name another interpreter",
		}
	case "version":
		return &LoadError{
			Message: fmt.Sprintf("the fal package is version %s, and %s or newer is needed to load %s", f.Version, oldestFal, file),
			Hint:    install,
		}
	case "import":
		return &LoadError{
			Message: fmt.Sprintf("the fal package %s of %s (%s) cannot be imported: %s", f.Version, python, python.origin, f.Message),
			Hint:    install,
		}
	case "options":
		var problems Problems
		for _, p := range f.Problems {
			problems = append(problems, Problem{File: file, Line: p.Line, Key: p.Key, Message: p.Message})
		}
		return problems.sorted()
	case "internals":
		if !newer(f.Version, newestFal) { // its releases are known: the app is not what they can take
			return &LoadError{Message: fmt.Sprintf("%s cannot be deployed: fal %s has no use for something in it: %s", file, f.Version, f.Message)}
		}
		return &LoadError{
			Message: fmt.Sprintf("fal %s could not be asked for the request: %s", f.Version, f.Message),
			Hint:    fmt.Sprintf("releases of fal from %s to %s are known to work", oldestFal, newestFal),
		}
	case "user":
		return &LoadError{Message: fmt.Sprintf("%s could not be loaded", file), Traceback: f.Traceback}
	case "exit":
		return &LoadError{Message: fmt.Sprintf("%s ended Python with status %s while it was loaded", file, f.Message), Traceback: f.Traceback,
			Hint: `put what only a script does below if __name__ == "__main__":`}
	case "no symbol":
		return choose("there is no %s in it", f.Message)
	case "no app":
		return choose("%s is neither a fal.App nor a @fal.function", f.Message)
	case "no apps":
		return choose("there is neither a fal.App nor a @fal.function in it")
	case "several":
		return choose("there are several apps in it: %s", strings.Join(f.Choices, ", "))
	}
	return &LoadError{Message: fmt.Sprintf("%s cannot be deployed: %s", file, f.Message)}
}
