package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func (s *server) ListEnvironments(ctx context.Context, _ *pb.ListEnvironmentsRequest) (*pb.ListEnvironmentsResponse, error) {
	environments := s.state.Environments(caller(ctx))
	response := &pb.ListEnvironmentsResponse{Environments: make([]*pb.EnvironmentInfo, len(environments))}
	for i, environment := range environments {
		response.Environments[i] = encodeEnvironment(environment)
	}
	return response, nil
}

func (s *server) CreateEnvironment(ctx context.Context, request *pb.CreateEnvironmentRequest) (*pb.CreateEnvironmentResponse, error) {
	created, err := s.state.CreateEnvironment(ctx, caller(ctx), request.GetName(), request.GetDescription())
	if err != nil {
		return nil, err
	}
	return &pb.CreateEnvironmentResponse{Environment: encodeEnvironment(created)}, nil
}

func (s *server) DeleteEnvironment(ctx context.Context, request *pb.DeleteEnvironmentRequest) (*pb.DeleteEnvironmentResponse, error) {
	if err := s.state.DeleteEnvironment(ctx, caller(ctx), request.GetName()); err != nil {
		return nil, err
	}
	return &pb.DeleteEnvironmentResponse{}, nil
}

// encodeEnvironment leaves out a description that there is none of.
func encodeEnvironment(e state.Environment) *pb.EnvironmentInfo {
	info := &pb.EnvironmentInfo{Name: e.Name, IsDefault: e.Default, CreatedAt: timestamppb.New(e.CreatedAt)}
	if e.Description != "" {
		info.Description = &e.Description
	}
	return info
}
