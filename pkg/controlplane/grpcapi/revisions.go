package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func (s *server) ListApplications(ctx context.Context, request *pb.ListApplicationsRequest) (*pb.ListApplicationsResult, error) {
	revisions, err := s.state.Revisions(caller(ctx), request.GetEnvironmentName(), request.GetApplicationName())
	if err != nil {
		return nil, err
	}
	return &pb.ListApplicationsResult{Applications: encodeRevisions(revisions)}, nil
}

func (s *server) DeleteApplication(ctx context.Context, request *pb.DeleteApplicationRequest) (*pb.DeleteApplicationResult, error) {
	if err := s.state.DeleteRevision(ctx, caller(ctx), request.GetApplicationId()); err != nil {
		return nil, err
	}
	return &pb.DeleteApplicationResult{}, nil
}

func encodeRevisions(revisions []state.RevisionInfo) []*pb.ApplicationInfo {
	list := make([]*pb.ApplicationInfo, len(revisions))
	for i, r := range revisions {
		o := optionalOf(&r.Settings, r.Environment)
		list[i] = &pb.ApplicationInfo{
			ApplicationId:         r.RevisionID,
			MaxConcurrency:        int32(r.MaxConcurrency),
			MaxMultiplexing:       int32(r.MaxMultiplexing),
			KeepAlive:             seconds(r.KeepAlive),
			ActiveRunners:         int32(r.ActiveRunners),
			MinConcurrency:        int32(r.MinConcurrency),
			MachineTypes:          r.MachineTypes,
			RequestTimeout:        &o.requestTimeout,
			StartupTimeout:        &o.startupTimeout,
			ValidRegions:          r.Regions,
			ConcurrencyBuffer:     &o.buffer,
			CreatedAt:             timestamppb.New(r.CreatedAt),
			ConcurrencyBufferPerc: &o.bufferPerc,
			ScalingDelaySeconds:   &o.scalingDelay,
			EnvironmentName:       o.environmentName(),
		}
	}
	return list
}
