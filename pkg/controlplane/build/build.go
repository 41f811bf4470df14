// Package build makes what the runners of deployed apps are made of, on this
// machine and without a container engine: folders of files, Python environments
// and the commands to run in them.
//
//	b := build.New(build.Options{Dir: filepath.Join(dataDir, "build"), Runtime: rt, Files: content})
//	env, err := b.Build(ctx, build.Definition{Kind: "virtualenv", Configuration: configuration}, log)
//	program, err := env.Program(ctx, build.Callable{Entrypoint: "app:App.run_local"}, build.Ports{Port: 41234, Metrics: 41235}, log)
//	argv, environ, dir, err := program.Place(runnerDir)
//
// # What is built
//
// A virtualenv is a virtual environment, made by uv when it is on PATH and else
// by the venv and pip of a Python of the wanted version; requirements are
// installed layer by layer. Without uv, what is required beside distributions that
// were uploaded is installed in an environment of its own, its base, from which others
// are derived by hard links, and pip then installs the rest in them: an app's own code
// changes more often than what it needs. What a pyproject.toml says statically that an
// uploaded project depends on is in the base as well; what pip finds out later is
// installed beside it. Into a base nothing comes from an index by the name of what was
// uploaded: when a package needs that, or a base cannot be installed for another
// reason, everything is installed at once. Requirements and pip's variables may say
// that needs are not installed (no-deps); pip's own file is not read for that. What runs
// there must not change installed files in place, but replace them, as Python and pip do. An image is the folder that its Dockerfile's COPY and
// ADD instructions describe, as far as their sources were uploaded, and its
// command, with ENV and WORKDIR; paths of that folder are replaced by their place
// on this machine in the command and in ENV. Of a URL that is so for the file alone that
// file:///path and, as databases write it, scheme:////path name. An archive that ADD
// unpacks may come to 1 GiB and 100,000 files. Base images are not pulled and RUN
// steps not executed, which the log of the build says. An image that a Python
// callable runs in (use_isolate) has both. Conda environments are refused.
//
// # Guarantees
//
// An environment is used by its definition's ID and built once: builds of one ID
// that are asked for at the same time are one build, and all get its log. One
// that was begun and not finished, also because the control plane was killed, is
// never used, and one of which a part has gone is built anew. Environments stay as long
// as [Builder.Prune] is told that they are needed: those of earlier revisions while
// these exist, and their bases. What is forced is built from nothing, its base too. What is wrong with the definition is a *Failure, whose text is for
// people. Credentials for registries and secrets of builds are neither used nor
// written. Every process is started by way of the runtime package, so that none
// outlives the control plane. Building anew leaves what runners still use.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

// Files opens the content of uploaded files.
type Files interface {
	// Open returns what was uploaded under hash; fs.ErrNotExist if nothing was.
	Open(hash string) (io.ReadCloser, error)
}

// Options says where and with what to build.
type Options struct {
	// Dir is the folder of everything that is built, created with mode 0700. One
	// Builder at a time may use it.
	Dir string
	// Runtime starts the processes.
	Runtime *runtime.Runtime
	// Files has the uploaded files.
	Files Files
	// Environ is the environment of the processes and where PATH comes from; nil
	// is os.Environ. Variables that begin with FAL_ are left out.
	Environ func() []string
	// Logger is told of files in Dir that are none of the Builder's, which are left
	// alone; nil for nobody.
	Logger *slog.Logger
}

// Log receives a line. Levels are those of the wire: INFO and WARNING for what
// the builder says, STDOUT and STDERR for what its tools write.
type Log func(level, message string)

// Failure is what is wrong with a definition or a callable. Its text names the
// cause and, where there is one, the remedy.
type Failure struct{ Message string }

func (f *Failure) Error() string { return f.Message }

func failf(format string, values ...any) error {
	return &Failure{Message: fmt.Sprintf(format, values...)}
}

// ErrClosed is returned once the Builder was closed.
var ErrClosed = errors.New("builder is closed")

// Builder builds environments. Its methods may be called from any goroutine.
type Builder struct {
	dir     string
	runtime *runtime.Runtime
	files   Files
	environ func() []string
	logger  *slog.Logger

	prepare func() error // the folder, once
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	flights map[string]*flight // by ID
	// derivedFrom counts the environments that are being made of one, by its ID.
	derivedFrom map[string]int
	supporting  sync.Mutex // held while packages for loading functions are installed
}

// New returns a Builder. It touches nothing yet.
func New(o Options) *Builder {
	b := &Builder{
		dir: o.Dir, runtime: o.Runtime, files: o.Files, environ: o.Environ,
		logger:  cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
		flights: make(map[string]*flight), derivedFrom: make(map[string]int),
	}
	if b.environ == nil {
		b.environ = os.Environ
	}
	b.prepare = sync.OnceValue(b.open)
	return b
}

// open makes the folder and removes what is left of unfinished builds.
func (b *Builder) open() error {
	dir, err := filepath.Abs(b.dir)
	if err != nil {
		return err
	}
	b.dir = dir
	if err := os.MkdirAll(b.environments(), 0o700); err != nil {
		return err
	}
	for _, name := range []string{"functions", "support", "results", temporary} {
		if err := os.MkdirAll(filepath.Join(b.dir, name), 0o700); err != nil {
			return err
		}
	}
	return b.sweep()
}

func (b *Builder) environments() string { return filepath.Join(b.dir, "environments") }

// sweep removes all but the finished environments, which nothing uses yet.
func (b *Builder) sweep() error {
	ids, err := os.ReadDir(b.environments())
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		folder := filepath.Join(b.environments(), id.Name())
		if !id.IsDir() {
			b.logger.Warn("passed over what is no environment", "path", folder)
			continue
		}
		env, err := b.load(id.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if env == nil {
			errs = append(errs, os.RemoveAll(folder))
			continue
		}
		generations, err := os.ReadDir(folder)
		errs = append(errs, err)
		for _, g := range generations {
			if g.Name() != manifestFile && g.Name() != env.Generation {
				errs = append(errs, os.RemoveAll(filepath.Join(folder, g.Name())))
			}
		}
	}
	for _, name := range []string{"support", "results", "functions", temporary} {
		entries, err := os.ReadDir(filepath.Join(b.dir, name))
		errs = append(errs, err)
		for _, entry := range entries {
			if name != "support" || strings.HasPrefix(entry.Name(), unfinished) {
				errs = append(errs, os.RemoveAll(filepath.Join(b.dir, name, entry.Name())))
			}
		}
	}
	return errors.Join(errs...)
}

// temporary is the folder of what tools leave while they build.
const temporary = "temporary"

// unfinished begins the names of folders that are still being filled.
const unfinished = "new-"

// Build returns the environment of a definition, building it if that was not
// done before or the definition says so. log gets the lines of the build, on the
// goroutine of the call, from its beginning also if it was under way. When no
// caller waits any more, the build is given up.
func (b *Builder) Build(ctx context.Context, d Definition, log Log) (*Environment, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	recipe, err := d.recipe()
	if err != nil {
		return nil, err
	}
	id := d.ID()
	if !d.Force {
		env, err := b.load(id)
		if err != nil {
			return nil, err
		}
		if env != nil {
			log("INFO", "environment "+id+" was built before")
			for _, notice := range env.Notices {
				log("WARNING", notice)
			}
			if err := env.tellCommand(log); err != nil {
				return nil, err
			}
			return env, env.support(ctx, d.Methods, log)
		}
	}
	env, err := b.obtain(ctx, id, recipe, d.Force, log)
	if err != nil {
		return nil, err
	}
	return env, env.support(ctx, d.Methods, log)
}

// obtain returns the environment of an ID, which is built unless it is there.
func (b *Builder) obtain(ctx context.Context, id string, r *recipe, force bool, log Log) (*Environment, error) {
	for {
		f, err := b.join(id, r, force)
		if err != nil {
			return nil, err
		}
		env, err := f.wait(ctx, log)
		if errors.Is(err, errGivenUp) && ctx.Err() == nil {
			continue // by those who waited before
		}
		return env, err
	}
}

// Load returns the environment of that ID, nil if it is not built.
func (b *Builder) Load(id string) (*Environment, error) {
	if err := b.prepare(); err != nil {
		return nil, err
	}
	return b.load(id)
}

// Prune removes the environments that needed does not name, that none of those was
// derived from, and that are not being built. No runner may use them.
func (b *Builder) Prune(needed map[string]bool) error {
	if err := b.prepare(); err != nil {
		return err
	}
	ids, err := os.ReadDir(b.environments())
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	bases := make(map[string]bool)
	for id := range needed {
		env, err := b.load(id)
		errs = append(errs, err)
		if env != nil {
			bases[env.Base] = true
		}
	}
	for _, id := range ids {
		_, building := b.flights[id.Name()]
		used := needed[id.Name()] || bases[id.Name()] || b.derivedFrom[id.Name()] > 0
		if id.IsDir() && !used && !building {
			errs = append(errs, b.remove(id.Name()))
		}
	}
	return errors.Join(errs...)
}

// remove deletes an environment, the manifest first so that a part of one is
// never used.
func (b *Builder) remove(id string) error {
	folder := filepath.Join(b.environments(), id)
	if err := os.Remove(filepath.Join(folder, manifestFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(folder)
}

// Close gives up the builds under way and returns when they have ended.
func (b *Builder) Close() {
	b.mu.Lock()
	b.closed = true
	for _, f := range b.flights {
		f.cancel()
	}
	b.mu.Unlock()
	b.running.Wait()
}
