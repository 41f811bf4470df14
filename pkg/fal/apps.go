package fal

import (
	"context"
	"iter"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// AppsService manages apps and their revisions.
//
// Apps are named as they are in the client's environment
// ([Options.Environment]), without its suffix; with it they are understood too.
type AppsService struct{ client *Client }

// AppInfo is a name under which a revision is called: the service's alias.
type AppInfo struct {
	// Alias is the app's name as the service knows it, with the suffix of its
	// environment.
	Alias string
	// Revision is the id of the revision that is called.
	Revision string
	AuthMode AuthMode
	AppSettings
	// ActiveRunners is the number of its runners.
	ActiveRunners int
	// Environment is as the service sends it, empty for "main".
	Environment string
	// Rolling: a rollout is under way, and runners that will be replaced are
	// left.
	Rolling bool
}

// Name is the app's name without the suffix of its environment.
func (a AppInfo) Name() string { return trimEnvironment(a.Alias, a.Environment) }

// AppsListParams narrow a list of apps.
type AppsListParams struct {
	// Filter keeps apps whose alias contains it; empty: all. As in the official
	// client case counts, and the suffix of the environment is looked at too.
	// The service does not know this filter: it works on what it lists.
	Filter string
}

// List goes through the apps of the client's environment in the order in which
// the service gives them.
func (s *AppsService) List(ctx context.Context, params *AppsListParams) iter.Seq2[AppInfo, error] {
	if params == nil {
		params = &AppsListParams{}
	}
	return func(yield func(AppInfo, error) bool) {
		request, err := listAliasesRequest(s.client.environment)
		if err != nil {
			yield(AppInfo{}, err)
			return
		}
		var decoder appDecoder
		decode := func(element []byte) (AppInfo, bool, error) {
			app, err := decoder.decode(element)
			return app, strings.Contains(app.Alias, params.Filter), err
		}
		elements(ctx, s.client, controllerpb.IsolateController_ListAliases_FullMethodName, request, listAliasesResultAliases, decode, yield, transport.Repeatable())
	}
}

// AppsRunnersParams narrow a list of an app's runners.
type AppsRunnersParams struct {
	// Since also lists runners that ended after this time; zero: only those
	// that have not. The service knows 24 hours.
	Since time.Time
	// States keeps runners in one of these states; empty: all. The service
	// does not know this filter: it works on what it lists.
	States []RunnerState
}

// Runners goes through the runners of an app in the order in which the service
// gives them. It holds one of them at a time.
func (s *AppsService) Runners(ctx context.Context, app string, params *AppsRunnersParams) iter.Seq2[Runner, error] {
	if params == nil {
		params = &AppsRunnersParams{}
	}
	return func(yield func(Runner, error) bool) {
		request, err := listAliasRunnersRequest(app, s.client.environment, params)
		if err != nil {
			yield(Runner{}, err)
			return
		}
		keep := runnerFilter(&RunnersListParams{States: params.States}, "")
		s.client.eachRunner(ctx, controllerpb.IsolateController_ListAliasRunners_FullMethodName, request, keep, yield)
	}
}

// AppsScaleParams are the settings that [AppsService.Scale] changes. What is
// nil keeps its value; zero is a value. Durations are whole seconds.
type AppsScaleParams struct {
	KeepAlive                                *time.Duration
	MaxMultiplexing                          *int
	MaxConcurrency, MinConcurrency           *int
	ConcurrencyBuffer, ConcurrencyBufferPerc *int
	ScalingDelay                             *time.Duration
	RequestTimeout, StartupTimeout           *time.Duration
	// MachineTypes and Regions replace the whole list. The wire cannot carry
	// an empty one: if not nil, that is [ErrInvalidArgument].
	MachineTypes, Regions []string
}

// Scale changes settings of an app, and answers the app as it is then. The next
// deploy takes machine types, max multiplexing and startup timeout from the
// revision again. An app that does not exist is [ErrNotFound].
func (s *AppsService) Scale(ctx context.Context, app string, params *AppsScaleParams) (AppInfo, error) {
	if params == nil {
		params = &AppsScaleParams{}
	}
	const method = controllerpb.IsolateController_UpdateApplication_FullMethodName
	request, err := updateApplicationRequest(app, s.client.environment, params)
	if err != nil {
		return AppInfo{}, err
	}
	return s.changed(ctx, method, request, transport.Repeatable())
}

// AppsRolloutParams are the options of [AppsService.Rollout].
type AppsRolloutParams struct {
	// Force replaces all runners at once, and not one after the other.
	Force bool
}

// Rollout replaces every runner of an app by a fresh one of the same revision.
// It does not wait for the end of it. An app that does not exist is
// [ErrNotFound].
func (s *AppsService) Rollout(ctx context.Context, app string, params *AppsRolloutParams) error {
	if params == nil {
		params = &AppsRolloutParams{}
	}
	const method = controllerpb.IsolateController_RolloutApplication_FullMethodName
	request, err := rolloutApplicationRequest(app, s.client.environment, params)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.RolloutApplicationResult))
}

// AppsSetRevisionParams are the options of [AppsService.SetRevision].
type AppsSetRevisionParams struct {
	// AuthMode, if not nil, is the app's from then on.
	AuthMode *AuthMode
	// Strategy is how the runners of the revision take over; nil: the
	// service's default, which is [StrategyRolling].
	Strategy *DeploymentStrategy
}

// SetRevision makes a name call a revision, and answers the app as it is then.
// It does not wait until the revision's runners have taken over. A revision
// that does not exist is [ErrNotFound]. It is sent once, though it sets the same
// a second time: that would undo what somebody else set in between.
func (s *AppsService) SetRevision(ctx context.Context, app, revision string, params *AppsSetRevisionParams) (AppInfo, error) {
	if params == nil {
		params = &AppsSetRevisionParams{}
	}
	const method = controllerpb.IsolateController_SetAlias_FullMethodName
	request, err := setAliasRequest(app, revision, s.client.environment, params)
	if err != nil {
		return AppInfo{}, err
	}
	return s.changed(ctx, method, request)
}

// AppsDeleteParams are the options of [AppsService.Delete]; there are none yet.
type AppsDeleteParams struct{}

// Delete takes an app's name away and ends its runners. Its revisions stay; the
// one that it called is answered. An app that does not exist is [ErrNotFound].
func (s *AppsService) Delete(ctx context.Context, app string, _ *AppsDeleteParams) (revision string, err error) {
	const method = controllerpb.IsolateController_DeleteAlias_FullMethodName
	request, err := deleteAliasRequest(app, s.client.environment)
	if err != nil {
		return "", err
	}
	var reply controllerpb.DeleteAliasResult
	err = s.client.call(ctx, method, request, &reply)
	return reply.GetRevision(), err
}

// changed makes a call that answers with the app as it is afterwards.
func (s *AppsService) changed(ctx context.Context, method string, request any, options ...grpc.CallOption) (app AppInfo, err error) {
	var decoder appDecoder
	decode := func(element []byte) (AppInfo, bool, error) {
		a, err := decoder.decode(element)
		return a, true, err
	}
	elements(ctx, s.client, method, request, resultAliasInfo, decode, func(a AppInfo, e error) bool {
		app, err = a, e
		return true
	}, options...)
	if err == nil && app.Alias == "" {
		err = &Error{Code: CodeInternal, Method: methodName(method), Message: "the answer holds no app"}
	}
	return app, err
}

func listAliasesRequest(environment string) (*controllerpb.ListAliasesRequest, error) {
	a := arguments{method: "ListAliases"}
	return &controllerpb.ListAliasesRequest{EnvironmentName: a.environment(environment)}, a.err
}

func listAliasRunnersRequest(app, environment string, params *AppsRunnersParams) (*controllerpb.ListAliasRunnersRequest, error) {
	pending := true
	a := arguments{method: "ListAliasRunners"}
	request := &controllerpb.ListAliasRunnersRequest{
		Alias:           a.alias(app, environment),
		EnvironmentName: a.environment(environment),
		ListPending:     &pending,
	}
	if !params.Since.IsZero() {
		request.StartTime = timestamppb.New(params.Since)
		if request.StartTime.CheckValid() != nil {
			a.refuse("the time %s cannot be sent: it is not in the years 1 to 9999", params.Since)
		}
	}
	return request, a.err
}

func updateApplicationRequest(app, environment string, params *AppsScaleParams) (*controllerpb.UpdateApplicationRequest, error) {
	a := arguments{method: "UpdateApplication"}
	request := &controllerpb.UpdateApplicationRequest{
		ApplicationName:       a.alias(app, environment),
		EnvironmentName:       a.environment(environment),
		KeepAlive:             a.seconds("keep alive", params.KeepAlive),
		MaxMultiplexing:       a.number("max multiplexing", params.MaxMultiplexing),
		MaxConcurrency:        a.number("max concurrency", params.MaxConcurrency),
		MinConcurrency:        a.number("min concurrency", params.MinConcurrency),
		ConcurrencyBuffer:     a.number("concurrency buffer", params.ConcurrencyBuffer),
		ConcurrencyBufferPerc: a.number("concurrency buffer perc", params.ConcurrencyBufferPerc),
		ScalingDelaySeconds:   a.seconds("scaling delay", params.ScalingDelay),
		RequestTimeout:        a.seconds("request timeout", params.RequestTimeout),
		StartupTimeout:        a.seconds("startup timeout", params.StartupTimeout),
		MachineTypes:          a.texts("machine types", params.MachineTypes),
		ValidRegions:          a.texts("regions", params.Regions),
	}
	return request, a.err
}

func rolloutApplicationRequest(app, environment string, params *AppsRolloutParams) (*controllerpb.RolloutApplicationRequest, error) {
	a := arguments{method: "RolloutApplication"}
	request := &controllerpb.RolloutApplicationRequest{
		ApplicationName: a.alias(app, environment),
		EnvironmentName: a.environment(environment),
		Force:           &params.Force,
	}
	return request, a.err
}

func setAliasRequest(app, revision, environment string, params *AppsSetRevisionParams) (*controllerpb.SetAliasRequest, error) {
	a := arguments{method: "SetAlias"}
	request := &controllerpb.SetAliasRequest{
		Alias:           a.alias(app, environment),
		Revision:        a.required("the revision", revision),
		EnvironmentName: a.environment(environment),
	}
	if params.AuthMode != nil {
		request.AuthMode = controllerpb.ApplicationAuthMode(*params.AuthMode).Enum()
	}
	if params.Strategy != nil {
		request.DeploymentStrategy = controllerpb.DeploymentStrategy(*params.Strategy).Enum()
	}
	return request, a.err
}

func deleteAliasRequest(app, environment string) (*controllerpb.DeleteAliasRequest, error) {
	a := arguments{method: "DeleteAlias"}
	request := &controllerpb.DeleteAliasRequest{
		Alias:           a.alias(app, environment),
		EnvironmentName: a.environment(environment),
	}
	return request, a.err
}
