package faltest

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// A Secret is a secret as the wire carries it, with the value that it was set to.
type Secret struct {
	Name, Value string
	// Environment is not sent when it is empty, which stands for main.
	Environment string
	// CreatedAt is not sent when it is zero.
	CreatedAt time.Time
	// DefaultExposed is not sent when it is nil.
	DefaultExposed *bool
}

// SetSecrets sets the secrets that ListSecrets answers, those of one
// environment at a time. From then on SetSecret adds, changes and, without a
// value, takes away, and then answers NOT_FOUND for a name that is not among
// those of the environment.
func (s *Server) SetSecrets(secrets ...Secret) { s.secrets.replace(secrets) }

// Secrets are those of SetSecrets as they are now, values included.
func (s *Server) Secrets() []Secret {
	secrets, _ := s.secrets.list()
	return secrets
}

// serveSecrets answers the calls about secrets; of others it answers nothing.
func (s *Server) serveSecrets(request proto.Message) (Answer, []proto.Message) {
	secrets, ok := s.secrets.list()
	if !ok {
		return Answer{}, nil
	}
	switch request := request.(type) {
	case *controllerpb.ListSecretsRequest:
		here := func(v Secret) bool { return sameEnvironment(v.Environment, request.GetEnvironmentName()) }
		return Answer{}, one(&controllerpb.ListSecretsResponse{Secrets: messages(secrets, here, Secret.info)})
	case *controllerpb.SetSecretRequest:
		return s.setSecret(request), one(&controllerpb.SetSecretResponse{})
	}
	return Answer{}, nil
}

func (s *Server) setSecret(request *controllerpb.SetSecretRequest) Answer {
	same := func(v Secret) bool {
		return v.Name == request.GetName() && sameEnvironment(v.Environment, request.GetEnvironmentName())
	}
	if request.Value == nil {
		if _, ok := s.secrets.remove(same); !ok {
			return Fail(fal.CodeNotFound, "secret "+request.GetName()+" not found")
		}
		return Answer{}
	}
	set := func(v *Secret) {
		v.Value = request.GetValue()
		if request.DefaultExposed != nil {
			v.DefaultExposed = request.DefaultExposed
		}
	}
	if !s.secrets.change(same, set) {
		v := Secret{Name: request.GetName(), Environment: request.GetEnvironmentName()}
		set(&v)
		s.secrets.add(v)
	}
	return Answer{}
}

func (v Secret) info() *controllerpb.Secret {
	return &controllerpb.Secret{
		Name:            v.Name,
		CreatedTime:     moment(v.CreatedAt),
		EnvironmentName: optional(v.Environment),
		DefaultExposed:  v.DefaultExposed,
	}
}
