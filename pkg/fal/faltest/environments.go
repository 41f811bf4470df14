package faltest

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// An Environment is an environment as the wire carries it.
type Environment struct {
	Name string
	// Description is not sent when it is empty.
	Description string
	Default     bool
	// CreatedAt is not sent when it is zero.
	CreatedAt time.Time
}

// SetEnvironments sets the environments that ListEnvironments answers. From
// then on CreateEnvironment adds one, and answers ALREADY_EXISTS for one that
// is there, and DeleteEnvironment takes one away, and answers NOT_FOUND for one
// that is not. Calls about apps and secrets do not look at them.
func (s *Server) SetEnvironments(environments ...Environment) { s.environments.replace(environments) }

// Environments are those of SetEnvironments as they are now.
func (s *Server) Environments() []Environment {
	environments, _ := s.environments.list()
	return environments
}

// serveEnvironments answers the calls about environments; of others it answers
// nothing.
func (s *Server) serveEnvironments(request proto.Message) (Answer, []proto.Message) {
	environments, ok := s.environments.list()
	if !ok {
		return Answer{}, nil
	}
	named := func(name string) func(Environment) bool {
		return func(e Environment) bool { return e.Name == name }
	}
	switch request := request.(type) {
	case *controllerpb.ListEnvironmentsRequest:
		return Answer{}, one(&controllerpb.ListEnvironmentsResponse{Environments: messages(environments, every, Environment.info)})
	case *controllerpb.CreateEnvironmentRequest:
		if slices.ContainsFunc(environments, named(request.GetName())) {
			return Fail(fal.CodeAlreadyExists, "environment "+request.GetName()+" exists already"), nil
		}
		e := Environment{Name: request.GetName(), Description: request.GetDescription()}
		s.environments.add(e)
		return Answer{}, one(&controllerpb.CreateEnvironmentResponse{Environment: e.info()})
	case *controllerpb.DeleteEnvironmentRequest:
		if _, ok := s.environments.remove(named(request.GetName())); !ok {
			return Fail(fal.CodeNotFound, "environment "+request.GetName()+" not found"), nil
		}
		return Answer{}, one(&controllerpb.DeleteEnvironmentResponse{})
	}
	return Answer{}, nil
}

func (e Environment) info() *controllerpb.EnvironmentInfo {
	return &controllerpb.EnvironmentInfo{
		Name:        e.Name,
		Description: optional(e.Description),
		IsDefault:   e.Default,
		CreatedAt:   moment(e.CreatedAt),
	}
}
