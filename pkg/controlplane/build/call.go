package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

// maxValue bounds what a call may return, in bytes.
const maxValue = 64 << 20

// Call runs an entry point to its end, in a folder of its own with the files of
// the environment, and returns its value, or the exception that it Raised, in the
// format of the module pickle. log gets what it writes.
func (e *Environment) Call(ctx context.Context, entrypoint string, log Log) (_ Object, err error) {
	return e.call(ctx, Callable{Entrypoint: entrypoint}, log)
}

// CallFunction is Call for a serialized callable.
func (e *Environment) CallFunction(ctx context.Context, c Callable, log Log) (Object, error) {
	return e.call(ctx, c, log)
}

func (e *Environment) call(ctx context.Context, c Callable, log Log) (_ Object, err error) {
	what := c.Entrypoint
	if what == "" {
		what = "the function"
	}
	dir, err := os.MkdirTemp(filepath.Join(e.builder.dir, "results"), unfinished)
	if err != nil {
		return Object{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	work := filepath.Join(dir, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		return Object{}, err
	}
	p := &Program{builder: e.builder, image: e.Image}
	if e.Tree {
		p.tree = e.tree()
	}
	order := order{Entrypoint: c.Entrypoint, MainThread: c.MainThread, Result: filepath.Join(dir, "value")}
	if err := e.python(ctx, p, c, order, log); err != nil {
		return Object{}, err
	}
	placed, err := p.Place(work)
	if err != nil {
		return Object{}, err
	}
	env := append(e.builder.environment(nil, placed.Env...), e.extra...)
	err = e.builder.run(ctx, runtime.Spec{ID: "call", Argv: placed.Argv, Env: env, Dir: placed.Dir}, tool(log))
	var exit *exitError
	if errors.As(err, &exit) {
		return Object{}, failf("%s ended before it returned: %s", what, exit)
	}
	if err != nil {
		return Object{}, err
	}
	return readValue(order.Result, what)
}

func readValue(name, what string) (Object, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Object{}, failf("%s ended before it returned", what)
	case err != nil:
		return Object{}, err
	case info.Size() > maxValue:
		return Object{}, failf("%s returned %d bytes, %d is the most", what, info.Size(), maxValue)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return Object{}, err
	}
	head, definition, _ := bytes.Cut(data, []byte("\n"))
	var outcome struct {
		Raised                   bool
		Type, Message, Traceback string
	}
	if err := json.Unmarshal(head, &outcome); err != nil {
		return Object{}, fmt.Errorf("value of %s: %w", what, err)
	}
	return Object{
		Method: "pickle", Definition: definition,
		Raised: outcome.Raised, Traceback: outcome.Traceback, Exception: outcome.Type, ExceptionString: outcome.Message,
	}, nil
}
