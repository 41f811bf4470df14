package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func (s *server) CreateUserKey(ctx context.Context, request *pb.CreateUserKeyRequest) (*pb.CreateUserKeyResponse, error) {
	key, err := s.state.CreateKey(ctx, caller(ctx), state.Scope(request.GetScope()), request.GetAlias())
	if err != nil {
		return nil, err
	}
	return &pb.CreateUserKeyResponse{KeyId: key.ID, KeySecret: key.Secret}, nil
}

func (s *server) ListUserKeys(ctx context.Context, _ *pb.ListUserKeysRequest) (*pb.ListUserKeysResponse, error) {
	keys := s.state.Keys(caller(ctx))
	response := &pb.ListUserKeysResponse{UserKeys: make([]*pb.UserKeyInfo, len(keys))}
	for i, key := range keys {
		response.UserKeys[i] = &pb.UserKeyInfo{
			KeyId:     key.ID,
			CreatedAt: timestamppb.New(key.CreatedAt),
			Scope:     pb.CreateUserKeyRequest_Scope(key.Scope),
			Alias:     key.Alias,
		}
	}
	return response, nil
}

func (s *server) RevokeUserKey(ctx context.Context, request *pb.RevokeUserKeyRequest) (*pb.RevokeUserKeyResponse, error) {
	if err := s.state.RevokeKey(ctx, caller(ctx), request.GetKeyId()); err != nil {
		return nil, err
	}
	return &pb.RevokeUserKeyResponse{}, nil
}
