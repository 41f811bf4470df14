package fal

import (
	"context"
	"iter"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// EnvironmentsService manages the account's environments, which keep apps and
// secrets apart.
type EnvironmentsService struct{ client *Client }

// An Environment is one of an account's.
type Environment struct {
	Name string
	// Description is nil if there is none.
	Description *string
	// Default: it is the one of requests that name none.
	Default bool
	// CreatedAt is zero if the service does not tell.
	CreatedAt time.Time
}

// EnvironmentsListParams are the options of [EnvironmentsService.List]; there
// are none yet.
type EnvironmentsListParams struct{}

// List goes through the account's environments in the order in which the
// service gives them.
func (s *EnvironmentsService) List(ctx context.Context, _ *EnvironmentsListParams) iter.Seq2[Environment, error] {
	const method = controllerpb.IsolateController_ListEnvironments_FullMethodName
	return list(func() ([]*controllerpb.EnvironmentInfo, error) {
		var reply controllerpb.ListEnvironmentsResponse
		err := s.client.call(ctx, method, new(controllerpb.ListEnvironmentsRequest), &reply, transport.Repeatable())
		return reply.GetEnvironments(), err
	}, environmentOf)
}

// EnvironmentsCreateParams are the options of [EnvironmentsService.Create].
type EnvironmentsCreateParams struct {
	// Description is for people; nil: none is sent.
	Description *string
}

// Create makes an environment. One that exists already is [ErrAlreadyExists].
func (s *EnvironmentsService) Create(ctx context.Context, name string, params *EnvironmentsCreateParams) (Environment, error) {
	if params == nil {
		params = &EnvironmentsCreateParams{}
	}
	const method = controllerpb.IsolateController_CreateEnvironment_FullMethodName
	request, err := createEnvironmentRequest(name, params)
	if err != nil {
		return Environment{}, err
	}
	var reply controllerpb.CreateEnvironmentResponse
	if err := s.client.call(ctx, method, request, &reply); err != nil {
		return Environment{}, err
	}
	if reply.GetEnvironment().GetName() == "" {
		return Environment{}, &Error{Code: CodeInternal, Method: methodName(method), Message: "the answer holds no environment"}
	}
	return environmentOf(reply.GetEnvironment()), nil
}

// EnvironmentsDeleteParams are the options of [EnvironmentsService.Delete];
// there are none yet.
type EnvironmentsDeleteParams struct{}

// Delete deletes an environment. One that does not exist is [ErrNotFound].
func (s *EnvironmentsService) Delete(ctx context.Context, name string, _ *EnvironmentsDeleteParams) error {
	const method = controllerpb.IsolateController_DeleteEnvironment_FullMethodName
	request, err := deleteEnvironmentRequest(name)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.DeleteEnvironmentResponse))
}

func createEnvironmentRequest(name string, params *EnvironmentsCreateParams) (*controllerpb.CreateEnvironmentRequest, error) {
	a := arguments{method: "CreateEnvironment"}
	request := &controllerpb.CreateEnvironmentRequest{
		Name:        a.required("the environment's name", name),
		Description: a.optional("the description", params.Description),
	}
	return request, a.err
}

func deleteEnvironmentRequest(name string) (*controllerpb.DeleteEnvironmentRequest, error) {
	a := arguments{method: "DeleteEnvironment"}
	return &controllerpb.DeleteEnvironmentRequest{Name: a.required("the environment's name", name)}, a.err
}

func environmentOf(info *controllerpb.EnvironmentInfo) Environment {
	return Environment{
		Name:        info.GetName(),
		Description: info.Description,
		Default:     info.GetIsDefault(),
		CreatedAt:   timeOf(info.GetCreatedAt()),
	}
}
