package state

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// AppSpec describes a revision of an app to register. What is left at its zero
// value takes the default named with it; these are the real service's where it
// has one. SettingsChange names the ranges.
type AppSpec struct {
	Name        string   // the alias: a letter or digit, then letters, digits, dots, hyphens and underscores, 128 at most; then --Environment
	Environment string   // that the app is in; empty: the default one
	Argv        []string // what a runner executes; it must listen on $PORT of the loopback interface; empty with a Launch
	Launch      Launch   // what is deployed, instead of Argv
	Env         []string // NAME=value, beside what the control plane sets
	Secrets     []string // names of the secrets that runners get; nil: those exposed by default
	Dir         string   // the working folder; empty: a fresh one for each runner, removed at its end
	Account     string   // nickname of the owner; empty: the first account

	MachineTypes    []string       // in the order of preference; "XS"
	NumGPUs         int            // of the machine type that a runner has; 1
	MaxMultiplexing int            // requests that a runner has at once; 1
	HealthPath      string         // answers 2xx to GET when ready; empty: ready as soon as the port accepts
	StartupTimeout  time.Duration  // for becoming ready; 600 s
	GracePeriod     *time.Duration // between SIGTERM and SIGKILL, and for requests in flight that are not waited for; 5 s
	Serving         Serving        // what a deployed app says of its ports, its health and of trying again

	// An app that exists keeps what it has of these, unless ResetScale is set.
	MinConcurrency        int            // runners kept at all times
	MaxConcurrency        int            // runners at most; the greater of 2 and MinConcurrency
	ConcurrencyBuffer     int            // runners above what requests need
	ConcurrencyBufferPerc int            // the same in percent
	KeepAlive             *time.Duration // how long a runner above MinConcurrency may be idle; 10 s
	ScalingDelay          time.Duration  // how long requests wait before they start a runner
	RequestTimeout        time.Duration  // 3600 s
	Regions               []string       // any
	ResetScale            bool

	AuthMode    *AuthMode         // nil keeps that of an app that exists; Private
	Strategy    *Strategy         // of replacing runners of earlier revisions; Rolling
	Message     string            // what the revision is for, 2048 characters at most
	OpenAPI     map[string]any    // what the app says of its endpoints
	SourceCode  string            // what it was made of, 1 MiB at most
	Annotations map[string]string // 32 at most, of keys of 1 to 64 characters; 16384 bytes with Message, as JSON
}

// The bounds of what is said about a revision.
const (
	maxRevisionMessage = 2048 // characters
	maxAnnotations     = 32
	maxAnnotationKey   = 64    // characters
	maxRevisionText    = 16384 // bytes of message and annotations as JSON
)

// RegisterApp makes spec the current revision of the app of its name, creating
// the app if there is none. Runners of earlier revisions are replaced.
func (s *State) RegisterApp(ctx context.Context, spec AppSpec) (*App, error) {
	defer s.changing(spec.Name)()
	app, err := s.compose(spec)
	if err != nil {
		return nil, err
	}
	if err := s.putApp(ctx, app, true); err != nil {
		return nil, err
	}
	return app, nil
}

// RegisterRevision adds a revision that an app can be pointed at, and touches
// no app.
func (s *State) RegisterRevision(ctx context.Context, spec AppSpec) (*store.Revision, error) {
	defer s.changing(spec.Name)()
	app, err := s.compose(spec)
	if err != nil {
		return nil, err
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertRevision(&app.Rev) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.revisions[app.Rev.RevisionID] = &app.Rev
	s.mu.Unlock()
	return &app.Rev, nil
}

// compose returns the app as it is to be. It is called between changing and its
// end.
func (s *State) compose(spec AppSpec) (*App, error) {
	owner, err := s.owner(spec.Account)
	if err != nil {
		return nil, err
	}
	environment, err := s.checkAlias(owner.ID, spec.Environment, spec.Name)
	if err != nil {
		return nil, err
	}
	if err := spec.validate(); err != nil {
		return nil, err
	}
	now := s.instant()
	app, exists := s.aliased(owner.ID, spec.Name)
	if !exists {
		app.App = store.App{Account: owner.ID, Alias: spec.Name, Environment: environment, CreatedAt: now}
	}
	kept := app.Settings
	app.Settings = spec.settings()
	if exists && !spec.ResetScale {
		takeScale(&app.Settings, &kept)
	}
	if err := checkSettings(&app.Settings); err != nil {
		return nil, err
	}
	app.AuthMode = int(either(spec.AuthMode, AuthMode(app.AuthMode)))
	app.Strategy = int(either(spec.Strategy, Rolling))
	app.Rev = store.Revision{
		RevisionID:  uuid.NewString(),
		Account:     owner.ID,
		App:         spec.Name,
		Environment: environment,
		Argv:        slices.Clone(spec.Argv),
		Env:         slices.Clone(spec.Env),
		Secrets:     slices.Clone(spec.Secrets),
		Dir:         spec.Dir,
		NumGPUs:     cmp.Or(spec.NumGPUs, 1),
		HealthPath:  spec.HealthPath,
		GracePeriod: either(spec.GracePeriod, 5*time.Second),
		Settings:    app.Settings,
		Launch:      spec.Launch,
		Serving:     spec.Serving,
		OpenAPI:     spec.OpenAPI,
		SourceCode:  spec.SourceCode,
		Message:     spec.Message,
		Annotations: maps.Clone(spec.Annotations),
		CreatedAt:   now,
	}
	return &app, nil
}

// settings are those of an app that does not exist yet.
func (spec *AppSpec) settings() Settings {
	d := defaultSettings()
	machines := spec.MachineTypes
	if len(machines) == 0 {
		machines = d.MachineTypes
	}
	return Settings{
		MachineTypes:          slices.Clone(machines),
		MaxMultiplexing:       cmp.Or(spec.MaxMultiplexing, d.MaxMultiplexing),
		MinConcurrency:        spec.MinConcurrency,
		MaxConcurrency:        cmp.Or(spec.MaxConcurrency, max(d.MaxConcurrency, spec.MinConcurrency)),
		ConcurrencyBuffer:     spec.ConcurrencyBuffer,
		ConcurrencyBufferPerc: spec.ConcurrencyBufferPerc,
		KeepAlive:             either(spec.KeepAlive, d.KeepAlive),
		ScalingDelay:          spec.ScalingDelay,
		RequestTimeout:        cmp.Or(spec.RequestTimeout, d.RequestTimeout),
		StartupTimeout:        cmp.Or(spec.StartupTimeout, d.StartupTimeout),
		Regions:               slices.Clone(spec.Regions),
	}
}

// validate checks what is no setting.
func (spec *AppSpec) validate() error {
	switch {
	case !spec.Launch.Deployed() && (len(spec.Argv) == 0 || spec.Argv[0] == ""):
		return fail(Invalid, "app %s has no command to run", spec.Name)
	case spec.NumGPUs < 0:
		return fail(Invalid, "app %s: num_gpus is negative", spec.Name)
	case spec.HealthPath != "" && !strings.HasPrefix(spec.HealthPath, "/"):
		return fail(Invalid, "app %s: the health path %q does not begin with a slash", spec.Name, spec.HealthPath)
	}
	if err := checkDuration("grace_period", either(spec.GracePeriod, 0), true); err != nil {
		return err
	}
	for _, entry := range spec.Env {
		if name, _, ok := strings.Cut(entry, "="); !ok || name == "" {
			return fail(Invalid, "app %s: an environment entry is not of the form NAME=value", spec.Name)
		}
	}
	for _, name := range spec.Secrets {
		if err := checkSecretName(name); err != nil {
			return err
		}
	}
	if err := checkPointing(Pointing{AuthMode: spec.AuthMode, Strategy: spec.Strategy}); err != nil {
		return err
	}
	if err := spec.checkDeployed(); err != nil {
		return err
	}
	return spec.checkText()
}

func (spec *AppSpec) checkText() error {
	if n := utf8.RuneCountInString(spec.Message); n > maxRevisionMessage {
		return fail(Invalid, "the message has %d characters, %d is the most", n, maxRevisionMessage)
	}
	if len(spec.Annotations) > maxAnnotations {
		return fail(Invalid, "there are %d annotations, %d is the most", len(spec.Annotations), maxAnnotations)
	}
	for key := range spec.Annotations {
		switch n := utf8.RuneCountInString(key); {
		case n == 0 || n > maxAnnotationKey:
			return fail(Invalid, "the key of an annotation has 1 to %d characters, not %d", maxAnnotationKey, n)
		case key == "openapi" || key == "message" || key == "annotations":
			return fail(Invalid, "%s is no key for an annotation", key)
		}
	}
	text, err := json.Marshal(map[string]any{"message": spec.Message, "annotations": spec.Annotations})
	if err != nil {
		return err
	}
	if len(text) > maxRevisionText {
		return fail(Invalid, "message and annotations have %d bytes as JSON, %d is the most", len(text), maxRevisionText)
	}
	return nil
}
