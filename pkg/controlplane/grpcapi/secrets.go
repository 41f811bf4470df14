package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// SetSecret without a value deletes the secret.
func (s *server) SetSecret(ctx context.Context, request *pb.SetSecretRequest) (*pb.SetSecretResponse, error) {
	var err error
	if request.Value == nil {
		err = s.state.DeleteSecret(ctx, caller(ctx), request.GetEnvironmentName(), request.GetName())
	} else {
		err = s.state.SetSecret(ctx, caller(ctx), request.GetEnvironmentName(), request.GetName(), request.GetValue(), request.DefaultExposed)
	}
	if err != nil {
		return nil, err
	}
	return &pb.SetSecretResponse{}, nil
}

func (s *server) ListSecrets(ctx context.Context, request *pb.ListSecretsRequest) (*pb.ListSecretsResponse, error) {
	secrets, err := s.state.Secrets(caller(ctx), request.GetEnvironmentName())
	if err != nil {
		return nil, err
	}
	response := &pb.ListSecretsResponse{Secrets: make([]*pb.Secret, len(secrets))}
	for i, secret := range secrets {
		response.Secrets[i] = &pb.Secret{
			Name:            secret.Name,
			CreatedTime:     timestamppb.New(secret.CreatedAt),
			EnvironmentName: environmentOnWire(secret.Environment),
			DefaultExposed:  secret.DefaultExposed,
		}
	}
	return response, nil
}

// environmentOnWire is nil for the default environment, which the service does
// not name.
func environmentOnWire(name string) *string {
	if name == state.DefaultEnvironment {
		return nil
	}
	return &name
}
