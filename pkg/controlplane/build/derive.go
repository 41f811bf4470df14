package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

// derive makes a virtual environment with what the recipe requires beside local
// distributions, which change with every edit of the app: that is installed once,
// in an environment of its own. It returns nil if that cannot be installed without
// the local ones.
func (e *Environment) derive(ctx context.Context, host *interpreter, r *pythonRecipe, force bool, log Log) (made *interpreter, err error) {
	b := e.builder
	rest, ok := r.withoutLocal(!b.isOn("PIP_NO_DEPS") && !b.isOn("PIP_NO_DEPENDENCIES"))
	if !ok {
		return nil, nil
	}
	id := rest.id(host)
	b.hold(id, 1)
	defer func() {
		if err != nil || made == nil {
			b.hold(id, -1)
		}
	}()
	base, err := b.obtain(ctx, id, &recipe{python: rest, isBase: true}, force, log)
	var failure *Failure
	if errors.As(err, &failure) && ctx.Err() == nil {
		why := "what the app requires beside its own packages could not be installed before them"
		if strings.Contains(failure.Message, reservedTitle) {
			why = "a package of an index needs one of the app's own"
		}
		log("WARNING", why+", so everything is installed at once")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	log("INFO", "making a virtual environment of what is installed beside the app's own packages")
	venv := filepath.Join(e.folder(), "venv")
	err = b.run(ctx, runtime.Spec{
		ID: "venv", Argv: []string{host.Path, "-m", "venv", "--without-pip", venv}, Env: b.toolEnvironment(), Dir: b.dir,
	}, tool(log))
	var exit *exitError
	if errors.As(err, &exit) {
		return nil, failf("no virtual environment could be made: %s", exit.reason())
	}
	if err != nil {
		return nil, err
	}
	if err := adopt(ctx, venv, filepath.Join(base.folder(), "venv")); err != nil {
		return nil, fmt.Errorf("take over installed packages: %w", err)
	}
	if made, err = b.madeVenv(ctx, venv); err == nil {
		e.Base = id // which its maker lets go
	}
	return made, err
}

// hold changes how many environments are being derived from one.
func (b *Builder) hold(id string, by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.derivedFrom[id] += by; b.derivedFrom[id] == 0 {
		delete(b.derivedFrom, id)
	}
}

// adopt puts what is in one virtual environment into another that has none of it.
// Files are shared, as installers replace and do not change them, but for scripts,
// which name their Python.
func adopt(ctx context.Context, to, from string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || name == from {
			return err
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		if entry.IsDir() {
			if err := os.Mkdir(target, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			return nil
		}
		if _, err := os.Lstat(target); err == nil {
			return nil // what makes it an environment of its own
		}
		switch {
		case entry.Type()&fs.ModeSymlink != 0:
			leads, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(strings.ReplaceAll(leads, from, to), target)
		case !entry.Type().IsRegular():
			return nil
		case filepath.Dir(below) == scripts:
			return adoptScript(target, name, []byte(to), []byte(from))
		}
		return share(target, name)
	})
}

// adoptScript is share for a file that may name its environment. Both names have the
// same length, and so a launcher of Windows stays one.
func adoptScript(target, name string, to, from []byte) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Contains(content, from) {
		return share(target, name)
	}
	return copyAs(target, name, bytes.NewReader(bytes.ReplaceAll(content, from, to)))
}

// share links a file, or copies it where it cannot be linked.
func share(target, name string) error {
	if os.Link(name, target) == nil {
		return nil
	}
	content, err := os.Open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	return copyAs(target, name, content)
}

// copyAs writes a file with the permissions of another and its time, by which
// compiled modules know their source.
func copyAs(target, name string, content io.Reader) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o200)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Chtimes(target, info.ModTime(), info.ModTime())
}
