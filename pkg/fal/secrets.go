package fal

import (
	"context"
	"iter"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// SecretsService manages the secrets of the client's environment, which runners
// get as environment variables. Their values can be set and never read.
type SecretsService struct{ client *Client }

// A Secret is what the service tells of a secret, which is not its value.
type Secret struct {
	Name string
	// Environment is as the service sends it, empty for "main".
	Environment string
	// CreatedAt is zero if the service does not tell.
	CreatedAt time.Time
	// DefaultExposed: apps that name no secrets get this one; nil if the
	// service does not tell.
	DefaultExposed *bool
}

// SecretsSetParams are the options of [SecretsService.Set].
type SecretsSetParams struct {
	// DefaultExposed is whether apps that name no secrets get this one; nil
	// keeps what was set before, or, for a new one, the account's default.
	DefaultExposed *bool
}

// Set sets a secret, which may exist or not. No error and no trace shows the
// value: where the service repeats it, as it is, quoted, or a line of eight
// characters or more of it, that is taken out; for a value of less than four
// bytes, all of the text.
func (s *SecretsService) Set(ctx context.Context, name, value string, params *SecretsSetParams) error {
	if params == nil {
		params = &SecretsSetParams{}
	}
	const method = controllerpb.IsolateController_SetSecret_FullMethodName
	request, err := setSecretRequest(name, value, s.client.environment, params)
	if err != nil {
		return err
	}
	conceal := concealmentOf(value)
	err = s.client.call(ctx, method, request, new(controllerpb.SetSecretResponse), transport.Repeatable(), transport.Conceal(conceal.text))
	return conceal.failure(err)
}

// SecretsListParams are the options of [SecretsService.List]; there are none yet.
type SecretsListParams struct{}

// List goes through the secrets of the client's environment in the order in
// which the service gives them.
func (s *SecretsService) List(ctx context.Context, _ *SecretsListParams) iter.Seq2[Secret, error] {
	const method = controllerpb.IsolateController_ListSecrets_FullMethodName
	return list(func() ([]*controllerpb.Secret, error) {
		request, err := listSecretsRequest(s.client.environment)
		if err != nil {
			return nil, err
		}
		var reply controllerpb.ListSecretsResponse
		err = s.client.call(ctx, method, request, &reply, transport.Repeatable())
		return reply.GetSecrets(), err
	}, secretOf)
}

// SecretsUnsetParams are the options of [SecretsService.Unset]; there are none
// yet.
type SecretsUnsetParams struct{}

// Unset deletes a secret. One that does not exist is [ErrNotFound].
func (s *SecretsService) Unset(ctx context.Context, name string, _ *SecretsUnsetParams) error {
	const method = controllerpb.IsolateController_SetSecret_FullMethodName
	request, err := unsetSecretRequest(name, s.client.environment)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.SetSecretResponse))
}

func setSecretRequest(name, value, environment string, params *SecretsSetParams) (*controllerpb.SetSecretRequest, error) {
	a := arguments{method: "SetSecret"}
	a.text("the secret's value", value)
	request := &controllerpb.SetSecretRequest{
		Name:            a.required("the secret's name", name),
		Value:           &value,
		EnvironmentName: a.environment(environment),
		DefaultExposed:  params.DefaultExposed,
	}
	return request, a.err
}

// unsetSecretRequest has no value: that is how the wire says so.
func unsetSecretRequest(name, environment string) (*controllerpb.SetSecretRequest, error) {
	a := arguments{method: "SetSecret"}
	request := &controllerpb.SetSecretRequest{
		Name:            a.required("the secret's name", name),
		EnvironmentName: a.environment(environment),
	}
	return request, a.err
}

func listSecretsRequest(environment string) (*controllerpb.ListSecretsRequest, error) {
	a := arguments{method: "ListSecrets"}
	return &controllerpb.ListSecretsRequest{EnvironmentName: a.environment(environment)}, a.err
}

func secretOf(secret *controllerpb.Secret) Secret {
	return Secret{
		Name:           secret.GetName(),
		Environment:    secret.GetEnvironmentName(),
		CreatedAt:      timeOf(secret.GetCreatedTime()),
		DefaultExposed: secret.DefaultExposed,
	}
}
