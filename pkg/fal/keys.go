package fal

import (
	"context"
	"iter"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// KeysService manages the account's API keys.
type KeysService struct{ client *Client }

// A KeyScope says what a key may do. Numbers that this package does not know
// are kept, and their names are UNKNOWN(<n>).
type KeyScope int32

const (
	// KeyScopeAdmin: all that the account may.
	KeyScopeAdmin KeyScope = 0
	// KeyScopeAPI: call apps.
	KeyScopeAPI KeyScope = 1
)

func keyScopes() vocabulary[KeyScope] {
	return vocabulary[KeyScope]{what: "key scope", names: []string{"ADMIN", "API"}, unknown: "UNKNOWN"}
}

// String is the scope's name in upper case.
func (s KeyScope) String() string { return keyScopes().name(s) }

// KeyScopes are the names of the known scopes.
func KeyScopes() []string { return keyScopes().names }

// ParseKeyScope reads a scope's name in any case. The error is
// [ErrInvalidArgument].
func ParseKeyScope(name string) (KeyScope, error) { return keyScopes().parse(name) }

// KeyInfo is what the service tells of a key after it was created.
type KeyInfo struct {
	ID          string
	Description string
	Scope       KeyScope
	// CreatedAt is zero if the service does not tell.
	CreatedAt time.Time
}

// KeysCreateParams are the options of [KeysService.Create].
type KeysCreateParams struct {
	// Description is for people; nil: none is sent.
	Description *string
}

// Create makes a key. Its secret is not to be had again.
func (s *KeysService) Create(ctx context.Context, scope KeyScope, params *KeysCreateParams) (Key, error) {
	if params == nil {
		params = &KeysCreateParams{}
	}
	const method = controllerpb.IsolateController_CreateUserKey_FullMethodName
	request, err := createUserKeyRequest(scope, params)
	if err != nil {
		return Key{}, err
	}
	var reply controllerpb.CreateUserKeyResponse
	if err := s.client.call(ctx, method, request, &reply); err != nil {
		return Key{}, err
	}
	key := Key{ID: reply.GetKeyId(), Secret: reply.GetKeySecret()}
	if key.ID == "" || key.Secret == "" {
		return Key{}, &Error{Code: CodeInternal, Method: methodName(method), Message: "the answer holds no whole key"}
	}
	return key, nil
}

// KeysListParams are the options of [KeysService.List]; there are none yet.
type KeysListParams struct{}

// List goes through the account's keys in the order in which the service gives
// them.
func (s *KeysService) List(ctx context.Context, _ *KeysListParams) iter.Seq2[KeyInfo, error] {
	const method = controllerpb.IsolateController_ListUserKeys_FullMethodName
	return list(func() ([]*controllerpb.UserKeyInfo, error) {
		var reply controllerpb.ListUserKeysResponse
		err := s.client.call(ctx, method, new(controllerpb.ListUserKeysRequest), &reply, transport.Repeatable())
		return reply.GetUserKeys(), err
	}, keyInfoOf)
}

// KeysRevokeParams are the options of [KeysService.Revoke]; there are none yet.
type KeysRevokeParams struct{}

// Revoke ends a key, by its id, for good. One that does not exist is
// [ErrNotFound].
func (s *KeysService) Revoke(ctx context.Context, id string, _ *KeysRevokeParams) error {
	const method = controllerpb.IsolateController_RevokeUserKey_FullMethodName
	request, err := revokeUserKeyRequest(id)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.RevokeUserKeyResponse))
}

func createUserKeyRequest(scope KeyScope, params *KeysCreateParams) (*controllerpb.CreateUserKeyRequest, error) {
	a := arguments{method: "CreateUserKey"}
	request := &controllerpb.CreateUserKeyRequest{
		Scope: controllerpb.CreateUserKeyRequest_Scope(scope),
		Alias: a.optional("the description", params.Description),
	}
	return request, a.err
}

func revokeUserKeyRequest(id string) (*controllerpb.RevokeUserKeyRequest, error) {
	a := arguments{method: "RevokeUserKey"}
	return &controllerpb.RevokeUserKeyRequest{KeyId: a.required("the key's id", id)}, a.err
}

func keyInfoOf(info *controllerpb.UserKeyInfo) KeyInfo {
	return KeyInfo{
		ID:          info.GetKeyId(),
		Description: info.GetAlias(),
		Scope:       KeyScope(info.GetScope()),
		CreatedAt:   timeOf(info.GetCreatedAt()),
	}
}
