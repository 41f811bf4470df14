package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/build"
	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/grpcapi"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// deploys makes of what is deployed what runners are made of. It implements
// grpcapi.Deploys, and is what keepers ask.
type deploys struct {
	state   *state.State
	files   *files.Store
	builder *build.Builder
	logger  *slog.Logger
	base    string // of URLs, such as "http://127.0.0.1:41234"
}

const (
	// unneededFor is how long an uploaded file is kept that no revision needs.
	unneededFor = 24 * time.Hour
	// sweepInterval is how often those are looked for.
	sweepInterval = time.Hour

	maxFunction = 256 << 20 // bytes of a serialized function
)

// Keep implements grpcapi.Deploys.
func (d *deploys) Keep(sent grpcapi.Definition) (l state.Launch, err error) {
	l = state.Launch{
		Kind:          sent.Kind,
		Configuration: withoutCredentials(sent.Configuration),
		Entrypoint:    sent.Entrypoint,
		MainThread:    sent.MainThread,
		DataMounts:    sent.DataMounts,
	}
	if l.Files, err = d.keepFiles(sent.Files); err != nil {
		return l, err
	}
	if l.Function, err = d.keepFunction(sent.Function); err != nil {
		return l, err
	}
	if l.Setup, err = d.keepFunction(sent.Setup); err != nil {
		return l, err
	}
	if l.Setup != nil && l.Function == nil {
		return l, &state.Error{Kind: state.Invalid, Message: "setup_func goes with a function alone"}
	}
	return l, d.keepSources(&l)
}

// withoutCredentials leaves the passwords of registries and the secrets of a
// build out: neither is used here.
func withoutCredentials(configuration map[string]any) map[string]any {
	image, ok := configuration["image"].(map[string]any)
	if !ok {
		return configuration
	}
	configuration, image = maps.Clone(configuration), maps.Clone(image)
	delete(image, "registries")
	delete(image, "secrets")
	configuration["image"] = image
	return configuration
}

func (d *deploys) keepFiles(sent []grpcapi.File) ([]state.File, error) {
	hashes := make([]string, len(sent))
	for i, f := range sent {
		if err := state.CheckFilePath(f.Path); err != nil {
			return nil, err
		}
		hashes[i] = f.Hash
	}
	// It also says that they are in use.
	missing, err := d.files.Missing(hashes)
	var wrong *files.InvalidError
	if errors.As(err, &wrong) {
		return nil, &state.Error{Kind: state.Invalid, Message: wrong.Message}
	}
	if err != nil {
		return nil, err
	}
	var kept []state.File
	for _, f := range sent {
		blob, ok := d.files.Stat(f.Hash)
		if !ok {
			return nil, &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("%s was not uploaded, nor %d other files", f.Path, len(missing)-1)}
		}
		kept = append(kept, state.File{Path: f.Path, Hash: f.Hash, Mode: blob.Perm()})
	}
	return kept, nil
}

func (d *deploys) keepFunction(o *grpcapi.Object) (*state.Function, error) {
	if o == nil {
		return nil, nil
	}
	if len(o.Definition) > maxFunction {
		return nil, &state.Error{Kind: state.Invalid, Message: fmt.Sprintf("the function has %d bytes, %d is the most", len(o.Definition), maxFunction)}
	}
	hash, err := d.files.Put(o.Definition)
	return &state.Function{Method: o.Method, Hash: hash}, err
}

// definition is what is built for a launch.
func (d *deploys) definition(l *state.Launch) build.Definition {
	configuration := l.Configuration
	if list, ok := configuration["requirements"].([]any); ok && len(l.Sources) > 0 {
		configuration = maps.Clone(configuration)
		configuration["requirements"] = d.located(list)
	}
	definition := build.Definition{Kind: l.Kind, Configuration: configuration}
	for _, f := range []*state.Function{l.Setup, l.Function} {
		if f != nil && !slices.Contains(definition.Methods, f.Method) {
			definition.Methods = append(definition.Methods, f.Method)
		}
	}
	for _, f := range l.Files {
		definition.Files = append(definition.Files, build.File{Path: f.Path, Hash: f.Hash, Mode: f.Mode})
	}
	return definition
}

// callable is what is called in the environment of a launch.
func (d *deploys) callable(l *state.Launch) (build.Callable, error) {
	c := build.Callable{Entrypoint: l.Entrypoint, MainThread: l.MainThread}
	var err error
	if c.Function, err = d.object(l.Function); err != nil {
		return c, err
	}
	c.Setup, err = d.object(l.Setup)
	return c, err
}

func (d *deploys) object(f *state.Function) (*build.Object, error) {
	if f == nil {
		return nil, nil
	}
	content, err := d.files.Open(f.Hash)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	definition, err := io.ReadAll(content)
	return &build.Object{Method: f.Method, Definition: definition}, err
}

// Built implements grpcapi.Deploys.
func (d *deploys) Built(l *state.Launch) (string, error) {
	definition := d.definition(l)
	environment, err := d.builder.Load(definition.ID())
	if err != nil || environment == nil {
		return "", err
	}
	for _, method := range definition.Methods {
		if !environment.Loads(method) {
			return "", nil // it is to be completed
		}
	}
	return environment.ID, nil
}

// Build implements grpcapi.Deploys.
func (d *deploys) Build(ctx context.Context, l *state.Launch, force bool, log func(level, message string)) (string, error) {
	definition := d.definition(l)
	definition.Force = force
	environment, err := d.builder.Build(ctx, definition, log)
	if err != nil {
		return "", definitionFault(err)
	}
	return environment.ID, nil
}

// definitionFault says what the builder found wrong in the terms of every API.
func definitionFault(err error) error {
	var failure *build.Failure
	switch {
	case errors.As(err, &failure):
		return &state.Error{Kind: state.Invalid, Message: failure.Message}
	case errors.Is(err, fs.ErrNotExist):
		return &state.Error{Kind: state.Conflict, Message: "an uploaded file is not there any more: " + err.Error()}
	case errors.Is(err, build.ErrClosed):
		return state.ErrStopping
	}
	return err
}

// Call implements grpcapi.Deploys.
func (d *deploys) Call(ctx context.Context, app *state.App, l *state.Launch, log func(level, message string)) (grpcapi.Object, error) {
	environment, err := d.builder.Build(ctx, d.definition(l), func(string, string) {})
	if err != nil {
		return grpcapi.Object{}, definitionFault(err)
	}
	secrets, missing, err := d.state.RunnerSecrets(app)
	if err != nil {
		return grpcapi.Object{}, err
	}
	if len(missing) > 0 {
		log(state.LevelWarning, "run without secrets that are not set: "+strings.Join(missing, ", "))
	}
	callable, err := d.callable(l)
	if err != nil {
		return grpcapi.Object{}, err
	}
	value, err := environment.With(secrets).CallFunction(ctx, callable, log)
	return grpcapi.Object{Method: value.Method, Definition: value.Definition, Raised: value.Raised, Traceback: value.Traceback}, definitionFault(err)
}

// URLs implements grpcapi.Deploys.
func (d *deploys) URLs(nickname, alias string) grpcapi.URLs {
	path := "/" + url.PathEscape(nickname) + "/" + url.PathEscape(alias)
	return grpcapi.URLs{
		Playground: d.base + path,
		Run:        d.base + path,
		Queue:      d.base + "/queue" + path,
		WS:         "ws" + strings.TrimPrefix(d.base, "http") + path,
	}
}

// prune removes the environments that no revision of an app needs: that of one whose
// app was deleted is made anew should an app point to it again. It is called before any
// runner is started.
func (d *deploys) prune() error {
	needed := make(map[string]bool)
	for _, l := range d.state.LaunchesOfApps() {
		needed[d.definition(&l).ID()] = true
	}
	return d.builder.Prune(needed)
}

// sweep removes uploaded files that no revision needs.
func (d *deploys) sweep(now time.Time) {
	needed := make(map[string]bool)
	for _, l := range d.state.Launches() {
		for _, f := range l.Files {
			needed[f.Hash] = true
		}
		for _, f := range []*state.Function{l.Function, l.Setup} {
			if f != nil {
				needed[f.Hash] = true
			}
		}
		for _, source := range l.Sources {
			needed[source.Hash] = true
		}
	}
	removed, err := d.files.Sweep(func(hash string) bool { return needed[hash] }, now.Add(-unneededFor))
	if err != nil {
		d.logger.Error("remove uploaded files that nothing needs", "error", err)
	}
	if removed > 0 {
		d.logger.Info("removed uploaded files that nothing needs", "files", removed)
	}
}

// run sweeps until stop is closed.
func (d *deploys) run(stop <-chan struct{}) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		d.sweep(time.Now())
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}
