package grpcapi

import (
	"context"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func (s *server) ListRunners(ctx context.Context, request *pb.ListRunnersRequest) (*pb.ListRunnersResponse, error) {
	runners, err := s.list(ctx, state.Query{Pending: request.GetListPending()}, request.GetStartTime())
	return &pb.ListRunnersResponse{Runners: runners}, err
}

func (s *server) ListAliasRunners(ctx context.Context, request *pb.ListAliasRunnersRequest) (*pb.ListAliasRunnersResponse, error) {
	app, err := s.state.App(caller(ctx), request.GetEnvironmentName(), request.GetAlias())
	if err != nil {
		return nil, err
	}
	runners, err := s.list(ctx, state.Query{Alias: app.Alias, Pending: request.GetListPending()}, request.GetStartTime())
	return &pb.ListAliasRunnersResponse{Runners: runners}, err
}

func (s *server) StopRunner(ctx context.Context, request *pb.StopRunnerRequest) (*pb.StopRunnerResponse, error) {
	if err := s.state.StopRunner(ctx, caller(ctx), request.GetRunnerId(), request.GetReplaceFirst()); err != nil {
		return nil, err
	}
	return &pb.StopRunnerResponse{}, nil
}

func (s *server) KillRunner(ctx context.Context, request *pb.KillRunnerRequest) (*pb.KillRunnerResponse, error) {
	if err := s.state.KillRunner(ctx, caller(ctx), request.GetRunnerId()); err != nil {
		return nil, err
	}
	return &pb.KillRunnerResponse{}, nil
}

func (s *server) list(ctx context.Context, query state.Query, since *timestamppb.Timestamp) ([]*pb.RunnerInfo, error) {
	if since != nil {
		if err := since.CheckValid(); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "start_time: %v", err)
		}
		query.EndedSince = since.AsTime()
	}
	runners, err := s.state.Runners(ctx, caller(ctx), query)
	if err != nil {
		return nil, err
	}
	return encodeRunners(runners, s.now()), nil
}

// encodeRunners makes few allocations: lists may be long, and most runners of
// a long list have no lease.
func encodeRunners(runners []*state.Runner, now time.Time) []*pb.RunnerInfo {
	var states [16]pb.RunnerInfo_State
	for i := range states {
		states[i] = pb.RunnerInfo_State(i)
	}
	idle, ended := externalMetadata(nil, true), externalMetadata(nil, false)
	infos := make([]pb.RunnerInfo, len(runners))
	list := make([]*pb.RunnerInfo, len(runners))
	for i, r := range runners {
		info := &infos[i]
		info.RunnerId = r.ID
		info.InFlightRequests = int32(min(len(r.Leases), math.MaxInt32))
		info.Uptime = float32(r.Uptime(now).Seconds())
		info.Revision = r.Revision
		info.Alias = r.Alias
		info.State = &states[r.State]
		info.Replacement = pb.RunnerInfo_ReplaceState(r.Replacement)
		info.MachineType = r.MachineType
		switch {
		case r.State == state.Terminated:
			info.ExternalMetadata = ended
		case len(r.Leases) == 0:
			info.ExternalMetadata = idle
		default:
			info.ExternalMetadata = externalMetadata(r.Leases, true)
		}
		if !r.ExpiresAt.IsZero() {
			seconds := math.Ceil(r.ExpiresAt.Sub(now).Seconds())
			info.ExpirationCountdown = new(int32(min(max(0, seconds), math.MaxInt32)))
		}
		list[i] = info
	}
	return list
}

// externalMetadata says present_in_group of what has not ended; of the others
// it could only be wrong, since false marks a runner that was lost.
func externalMetadata(leases []state.Lease, alive bool) *structpb.Struct {
	values := make([]*structpb.Value, len(leases))
	for i, lease := range leases {
		requestID := structpb.NewNullValue()
		if lease.RequestID != "" {
			requestID = structpb.NewStringValue(lease.RequestID)
		}
		values[i] = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"request_id":      requestID,
			"caller_user_id":  structpb.NewStringValue(lease.CallerUserID),
			"leased_at_epoch": structpb.NewNumberValue(float64(lease.LeasedAt.UnixMicro()) / 1e6),
		}})
	}
	fields := map[string]*structpb.Value{"leases": structpb.NewListValue(&structpb.ListValue{Values: values})}
	if alive {
		fields["present_in_group"] = structpb.NewBoolValue(true)
	}
	return &structpb.Struct{Fields: fields}
}
