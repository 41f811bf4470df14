package build

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// manifestFile tells what an environment is; it is written last.
const manifestFile = "manifest.json"

// Environment is what was built. One that was handed out stays usable until it is
// pruned or the control plane is started again.
type Environment struct {
	ID string `json:"-"`
	// Generation is the folder of it, of those that were built of the ID.
	Generation string `json:"generation"`
	// Notices say what was not done that the definition asks for.
	Notices []string     `json:"notices,omitempty"`
	Tree    bool         `json:"tree"` // there are files
	Image   *image       `json:"image,omitempty"`
	Python  *interpreter `json:"python,omitempty"`
	// Base is the ID of the environment that this one was derived from.
	Base string `json:"base,omitempty"`

	builder *Builder
	extra   []string
}

// image is what a Dockerfile, or a reference, says of a process.
type image struct {
	Env     []string `json:"env,omitempty"`
	WorkDir string   `json:"work_dir"` // absolute, with slashes, in the image
	Argv    []string `json:"argv,omitempty"`
	Port    int      `json:"port,omitempty"` // that EXPOSE names, if it is one
}

func (e *Environment) folder() string {
	return filepath.Join(e.builder.environments(), e.ID, e.Generation)
}

func (e *Environment) tree() string { return filepath.Join(e.folder(), "tree") }

// With returns the environment with variables, as NAME=value, for what [Environment.Call] runs.
func (e *Environment) With(env []string) *Environment {
	other := *e
	other.extra = slices.Clone(env)
	return &other
}

func (b *Builder) load(id string) (*Environment, error) {
	data, err := os.ReadFile(filepath.Join(b.environments(), id, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &Environment{ID: id, builder: b}
	if err := json.Unmarshal(data, e); err != nil || !filepath.IsLocal(e.Generation) {
		return nil, nil // of no use, and so built anew
	}
	if !e.isWhole() {
		return nil, nil
	}
	return e, nil
}

// isWhole reports whether what programs are made of is there.
func (e *Environment) isWhole() bool {
	needed := []string{e.folder()}
	if e.Tree {
		needed = append(needed, e.tree())
	}
	if e.Python != nil {
		python := filepath.Join(e.folder(), e.Python.Path)
		needed = append(needed, python, filepath.Join(filepath.Dir(filepath.Dir(python)), "pyvenv.cfg"))
	}
	return !slices.ContainsFunc(needed, func(name string) bool {
		_, err := os.Stat(name)
		return err != nil
	})
}

// make builds an environment in a folder of its own, and then makes it that of
// the ID.
func (b *Builder) make(ctx context.Context, id string, r *recipe, force bool, log Log) (_ *Environment, err error) {
	if !force {
		if env, err := b.load(id); env != nil || err != nil {
			return env, err // built since the caller looked
		}
	}
	e := &Environment{ID: id, Generation: strings.ToLower(rand.Text())[:12], builder: b}
	if err := os.MkdirAll(e.folder(), 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(e.folder()))
			// It is not empty, and stays, when there is an earlier one.
			_ = os.Remove(filepath.Dir(e.folder()))
		}
		if e.Base != "" {
			b.hold(e.Base, -1)
		}
	}()
	notice := func(format string, values ...any) {
		message := fmt.Sprintf(format, values...)
		e.Notices = append(e.Notices, message)
		log("WARNING", message)
	}
	switch {
	case r.image != nil:
		err = e.buildImage(ctx, r, notice, log)
	case len(r.files) > 0:
		e.Tree = true
		err = e.layOut(ctx, r.files)
		log("INFO", fmt.Sprintf("laid out %d uploaded files", len(r.files)))
	}
	if err == nil && r.python != nil {
		err = e.buildPython(ctx, r, force, log)
	}
	if err != nil {
		return nil, err
	}
	if err := e.publish(); err != nil {
		return nil, err
	}
	if !r.isBase {
		log("INFO", "environment "+id+" is built")
	}
	return e, nil
}

// publish makes e the environment of its ID.
func (e *Environment) publish() error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	name := filepath.Join(e.builder.environments(), e.ID, manifestFile)
	file, err := os.OpenFile(name+"."+e.Generation, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
