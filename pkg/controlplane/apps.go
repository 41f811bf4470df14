package controlplane

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// AppSpec describes an app to register.
type AppSpec = state.AppSpec

// The values that Server's methods return.
type (
	App      = state.App
	Revision = state.Revision
	Account  = state.Account
	Runner   = state.Runner
	Event    = state.Event
	LogLine  = state.LogLine
	LogQuery = state.LogQuery
)

// RegisterApp makes spec the current revision of the app of its name, creating
// the app if there is none, and returns when that is on disk. Runners are then
// started as MinConcurrency says; those of earlier revisions are replaced.
func (s *Server) RegisterApp(ctx context.Context, spec AppSpec) (*App, error) {
	return s.state.RegisterApp(ctx, spec)
}

// The alias of the sample app, and the environment that it is in too.
const (
	sampleName        = "sample"
	sampleEnvironment = "staging"
)

// RegisterRevision adds a revision of an app that the app can be pointed at
// with SetAlias, and starts nothing. The app need not exist.
func (s *Server) RegisterRevision(ctx context.Context, spec AppSpec) (*Revision, error) {
	return s.state.RegisterRevision(ctx, spec)
}

// StartSample sees to the first account's app "sample" with three runners of
// Options.SampleArgv, and returns when it is registered; the runners come up
// after that. There is an earlier revision of it too, for a larger machine, that
// never had a runner, and the same app in the environment "staging", without
// runners until it is scaled. What an earlier control plane had registered is
// kept as it is, but for the path of the program, which may have moved.
func (s *Server) StartSample(ctx context.Context) (*App, error) {
	if len(s.options.SampleArgv) == 0 {
		return nil, errors.New("control plane: no command for the sample app given")
	}
	current := AppSpec{
		Name:           sampleName,
		Argv:           s.options.SampleArgv,
		MachineTypes:   []string{"XS"},
		MinConcurrency: 3,
		MaxConcurrency: 6,
		HealthPath:     "/health",
		StartupTimeout: time.Minute,
		Message:        "a smaller machine is enough",
	}
	first := current
	first.MachineTypes, first.Message = []string{"S"}, "first version"
	app, err := s.state.SeedApp(ctx, first, current)
	if err != nil {
		return nil, err
	}
	if err := s.state.SeedEnvironment(ctx, sampleEnvironment, "the sample app before it counts"); err != nil {
		return nil, err
	}
	staged := first
	staged.Name, staged.Environment = sampleName+"--"+sampleEnvironment, sampleEnvironment
	staged.MinConcurrency = 0
	_, err = s.state.SeedApp(ctx, staged)
	return app, err
}

// StartRunner starts one more runner of the first account's app beside those
// that MinConcurrency keeps. It ends after it was idle for KeepAlive.
func (s *Server) StartRunner(ctx context.Context, app string) (*Runner, error) {
	found, _, err := s.state.Lookup("", app)
	if err != nil {
		return nil, err
	}
	return s.fleet.startRunner(ctx, found)
}

// Send has a runner of the first account's app answer a request of its owner, as
// if it had come to the gateway; one is started when there is none. The request
// counts as in flight until the body of the response is closed. Host and scheme of
// its URL are ignored.
func (s *Server) Send(ctx context.Context, app, requestID string, request *http.Request) (*http.Response, error) {
	found, owner, err := s.state.Lookup("", app)
	if err != nil {
		return nil, err
	}
	return s.gateway.Send(ctx, found, requestID, owner.UserID, request)
}

// History returns the transitions of a runner, oldest first.
func (s *Server) History(ctx context.Context, runnerID string) ([]Event, error) {
	return s.state.History(ctx, runnerID)
}

// Logs returns lines of a runner's log, oldest first.
func (s *Server) Logs(ctx context.Context, runnerID string, q LogQuery) ([]LogLine, error) {
	return s.state.Logs(ctx, runnerID, q)
}

// CreateAccount adds an account with an ADMIN key.
func (s *Server) CreateAccount(ctx context.Context, nickname, fullName string) (Account, Credentials, error) {
	account, key, err := s.state.CreateAccount(ctx, nickname, fullName)
	return account, Credentials{KeyID: key.ID, Secret: key.Secret}, err
}

// ImportEndedRunners records n runners of the first account that never had a
// process and have ended within the last hour, so that long lists can be
// measured. Their history says what they are.
func (s *Server) ImportEndedRunners(ctx context.Context, n int) error {
	return s.state.ImportEnded(ctx, n)
}
