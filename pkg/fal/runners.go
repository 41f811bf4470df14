package fal

import (
	"context"
	"iter"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// RunnersService manages runners, the processes in which apps run.
type RunnersService struct{ client *Client }

// A Runner is one process of an app.
type Runner struct {
	ID string
	// Alias is the app's name as the service knows it, with the suffix of its
	// environment: see [SplitAlias].
	Alias       string
	Revision    string
	MachineType string
	State       RunnerState
	Replacement RunnerReplacement
	// Uptime is never negative; what the service cannot tell is 0.
	Uptime time.Duration
	// ExpirationCountdown is the time until it is stopped for being idle; nil
	// if none is set. It may be negative.
	ExpirationCountdown *time.Duration
	// InFlight is the number of requests that it works on.
	InFlight int
	// Lost: the service knows of it but does not find it in its group.
	Lost bool
	// Leases are the requests that it holds, as far as the service tells.
	Leases []Lease
}

// App is the name of the runner's app without its environment.
func (r Runner) App() string {
	app, _ := SplitAlias(r.Alias)
	return app
}

// Environment is the environment of the runner's app, empty for "main".
func (r Runner) Environment() string {
	_, environment := SplitAlias(r.Alias)
	return environment
}

// A Lease is a request in the hands of a runner.
type Lease struct {
	// RequestID is nil if the service gives none.
	RequestID    *string
	CallerUserID string
	// LeasedAt is zero if the service does not tell.
	LeasedAt time.Time
}

// RunnersListParams narrow a list of runners.
type RunnersListParams struct {
	// Since also lists runners that ended after this time; zero: only those
	// that have not. The service knows 24 hours.
	Since time.Time
	// States keeps runners in one of these states; empty: all. The service
	// does not know this filter: it works on what it lists.
	States []RunnerState
	// App keeps the runners of one app, by its name in the client's
	// environment or by its whole alias; empty: all. As States.
	App string
}

// List goes through the account's runners in the order in which the service
// gives them. It holds one of them at a time.
func (s *RunnersService) List(ctx context.Context, params *RunnersListParams) iter.Seq2[Runner, error] {
	if params == nil {
		params = &RunnersListParams{}
	}
	return func(yield func(Runner, error) bool) {
		request, err := listRunnersRequest(params)
		if err != nil {
			yield(Runner{}, err)
			return
		}
		keep := runnerFilter(params, s.client.environment)
		s.client.eachRunner(ctx, controllerpb.IsolateController_ListRunners_FullMethodName, request, keep, yield)
	}
}

// eachRunner goes through the runners of an answer. ListRunnersResponse and
// ListAliasRunnersResponse read the same.
func (c *Client) eachRunner(ctx context.Context, method string, request any, keep func(*Runner) bool, yield func(Runner, error) bool) {
	var decoder runnerDecoder
	decode := func(element []byte) (Runner, bool, error) {
		runner, err := decoder.decode(element)
		return runner, keep(&runner), err
	}
	elements(ctx, c, method, request, listRunnersResponseRunners, decode, yield, transport.Repeatable())
}

// RunnersStopParams are the options of [RunnersService.Stop].
type RunnersStopParams struct {
	// ReplaceFirst starts another runner before this one is stopped.
	ReplaceFirst bool
}

// Stop asks a runner to finish its requests and end. It does not wait for it.
// A runner that does not exist is [ErrNotFound].
func (s *RunnersService) Stop(ctx context.Context, id string, params *RunnersStopParams) error {
	if params == nil {
		params = &RunnersStopParams{}
	}
	const method = controllerpb.IsolateController_StopRunner_FullMethodName
	request, err := stopRunnerRequest(id, params)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.StopRunnerResponse))
}

// RunnersKillParams are the options of [RunnersService.Kill]; there are none yet.
type RunnersKillParams struct{}

// Kill ends a runner at once; the requests that it works on are lost. A runner
// that does not exist is [ErrNotFound].
func (s *RunnersService) Kill(ctx context.Context, id string, _ *RunnersKillParams) error {
	const method = controllerpb.IsolateController_KillRunner_FullMethodName
	request, err := killRunnerRequest(id)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.KillRunnerResponse))
}

func listRunnersRequest(params *RunnersListParams) (*controllerpb.ListRunnersRequest, error) {
	pending := true
	request := &controllerpb.ListRunnersRequest{ListPending: &pending}
	if !params.Since.IsZero() {
		request.StartTime = timestamppb.New(params.Since)
		if err := request.StartTime.CheckValid(); err != nil {
			return nil, invalid("ListRunners", "the time %s cannot be sent: it is not in the years 1 to 9999", params.Since)
		}
	}
	return request, nil
}

func stopRunnerRequest(id string, params *RunnersStopParams) (*controllerpb.StopRunnerRequest, error) {
	if id == "" {
		return nil, invalid("StopRunner", "the runner's id is empty")
	}
	return &controllerpb.StopRunnerRequest{RunnerId: id, ReplaceFirst: params.ReplaceFirst}, nil
}

func killRunnerRequest(id string) (*controllerpb.KillRunnerRequest, error) {
	if id == "" {
		return nil, invalid("KillRunner", "the runner's id is empty")
	}
	return &controllerpb.KillRunnerRequest{RunnerId: id}, nil
}

// runnerFilter is the part of the parameters that the wire does not carry.
func runnerFilter(params *RunnersListParams, environment string) func(*Runner) bool {
	states := make([]RunnerState, len(params.States))
	for i, s := range params.States {
		states[i] = s.current()
	}
	alias := JoinAlias(params.App, environment)
	return func(r *Runner) bool {
		if len(states) > 0 && !slices.Contains(states, r.State) {
			return false
		}
		return params.App == "" || r.Alias == alias || r.Alias == params.App && params.App != r.App()
	}
}
