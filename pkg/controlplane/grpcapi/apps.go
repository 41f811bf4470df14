package grpcapi

import (
	"context"
	"math"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func (s *server) ListAliases(ctx context.Context, request *pb.ListAliasesRequest) (*pb.ListAliasesResult, error) {
	apps, err := s.state.Apps(caller(ctx), request.GetEnvironmentName())
	if err != nil {
		return nil, err
	}
	return &pb.ListAliasesResult{Aliases: encodeApps(apps)}, nil
}

func (s *server) UpdateApplication(ctx context.Context, request *pb.UpdateApplicationRequest) (*pb.UpdateApplicationResult, error) {
	app, err := s.state.ScaleApp(ctx, caller(ctx), request.GetEnvironmentName(), request.GetApplicationName(), state.SettingsChange{
		MachineTypes:          request.GetMachineTypes(),
		MaxMultiplexing:       number(request.MaxMultiplexing),
		MinConcurrency:        number(request.MinConcurrency),
		MaxConcurrency:        number(request.MaxConcurrency),
		ConcurrencyBuffer:     number(request.ConcurrencyBuffer),
		ConcurrencyBufferPerc: number(request.ConcurrencyBufferPerc),
		KeepAlive:             duration(request.KeepAlive),
		ScalingDelay:          duration(request.ScalingDelaySeconds),
		RequestTimeout:        duration(request.RequestTimeout),
		StartupTimeout:        duration(request.StartupTimeout),
		Regions:               request.GetValidRegions(),
	})
	if err != nil {
		return nil, err
	}
	return &pb.UpdateApplicationResult{AliasInfo: encodeApp(app)}, nil
}

func (s *server) RolloutApplication(ctx context.Context, request *pb.RolloutApplicationRequest) (*pb.RolloutApplicationResult, error) {
	err := s.state.RolloutApp(ctx, caller(ctx), request.GetEnvironmentName(), request.GetApplicationName(), request.GetForce())
	if err != nil {
		return nil, err
	}
	return &pb.RolloutApplicationResult{}, nil
}

func (s *server) SetAlias(ctx context.Context, request *pb.SetAliasRequest) (*pb.SetAliasResult, error) {
	var pointing state.Pointing
	if request.AuthMode != nil {
		pointing.AuthMode = new(state.AuthMode(request.GetAuthMode()))
	}
	if request.DeploymentStrategy != nil {
		pointing.Strategy = new(state.Strategy(request.GetDeploymentStrategy()))
	}
	app, err := s.state.SetRevision(ctx, caller(ctx), request.GetEnvironmentName(), request.GetAlias(), request.GetRevision(), pointing)
	if err != nil {
		return nil, err
	}
	return &pb.SetAliasResult{AliasInfo: encodeApp(app)}, nil
}

func (s *server) DeleteAlias(ctx context.Context, request *pb.DeleteAliasRequest) (*pb.DeleteAliasResult, error) {
	revision, err := s.state.DeleteApp(ctx, caller(ctx), request.GetEnvironmentName(), request.GetAlias())
	if err != nil {
		return nil, err
	}
	return &pb.DeleteAliasResult{Revision: revision}, nil
}

// number and duration take an optional field over; a duration is in seconds.
func number(value *int32) *int {
	if value == nil {
		return nil
	}
	return new(int(*value))
}

func duration(value *int32) *time.Duration {
	if value == nil {
		return nil
	}
	return new(time.Duration(*value) * time.Second)
}

// optional has room for the optional fields that apps and revisions share, so
// that a long list makes few allocations.
type optional struct {
	requestTimeout, startupTimeout, buffer, bufferPerc, scalingDelay int32
	environment                                                      string
}

func optionalOf(s *state.Settings, environment string) optional {
	return optional{
		requestTimeout: seconds(s.RequestTimeout),
		startupTimeout: seconds(s.StartupTimeout),
		buffer:         int32(s.ConcurrencyBuffer),
		bufferPerc:     int32(s.ConcurrencyBufferPerc),
		scalingDelay:   seconds(s.ScalingDelay),
		environment:    environment,
	}
}

// environmentName is absent for the default environment.
func (o *optional) environmentName() *string {
	if o.environment == state.DefaultEnvironment {
		return nil
	}
	return &o.environment
}

// seconds rounds up, so that a little is not nothing.
func seconds(d time.Duration) int32 {
	return int32(min(math.Ceil(d.Seconds()), math.MaxInt32))
}

func encodeApps(apps []state.AppInfo) []*pb.AliasInfo {
	infos, fields := make([]pb.AliasInfo, len(apps)), make([]optional, len(apps))
	list := make([]*pb.AliasInfo, len(apps))
	for i := range apps {
		app, o := &apps[i], &fields[i]
		*o = optionalOf(&app.Settings, app.Environment)
		list[i] = &infos[i]
		info := list[i]
		info.Alias = app.Alias
		info.Revision = app.Rev.RevisionID
		info.AuthMode = pb.ApplicationAuthMode(app.AuthMode)
		info.MaxConcurrency = int32(app.MaxConcurrency)
		info.MaxMultiplexing = int32(app.MaxMultiplexing)
		info.KeepAlive = seconds(app.KeepAlive)
		info.ActiveRunners = int32(app.ActiveRunners)
		info.MinConcurrency = int32(app.MinConcurrency)
		info.MachineTypes = app.MachineTypes
		info.RequestTimeout = &o.requestTimeout
		info.StartupTimeout = &o.startupTimeout
		info.ValidRegions = app.Regions
		info.ConcurrencyBuffer = &o.buffer
		info.ConcurrencyBufferPerc = &o.bufferPerc
		info.ScalingDelaySeconds = &o.scalingDelay
		info.EnvironmentName = o.environmentName()
		info.IsRolling = app.Rolling
	}
	return list
}

func encodeApp(app state.AppInfo) *pb.AliasInfo { return encodeApps([]state.AppInfo{app})[0] }
