package faltest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// A Key is an API key as the wire carries it.
type Key struct {
	ID, Description string
	// Scope is 0 ADMIN, 1 API.
	Scope int32
	// CreatedAt is not sent when it is zero.
	CreatedAt time.Time
}

// SetKeys sets the keys that ListUserKeys answers. From then on CreateUserKey
// adds one, with the id new-key-<n> and the secret new-secret-<n>, n counting
// from 1, and RevokeUserKey takes one away, and answers NOT_FOUND for an id that
// is not among them.
func (s *Server) SetKeys(keys ...Key) { s.keys.replace(keys) }

// Keys are those of SetKeys as they are now.
func (s *Server) Keys() []Key {
	keys, _ := s.keys.list()
	return keys
}

// serveKeys answers the calls about keys; of others it answers nothing.
func (s *Server) serveKeys(request proto.Message) (Answer, []proto.Message) {
	keys, ok := s.keys.list()
	if !ok {
		return Answer{}, nil
	}
	switch request := request.(type) {
	case *controllerpb.ListUserKeysRequest:
		return Answer{}, one(&controllerpb.ListUserKeysResponse{UserKeys: messages(keys, every, Key.info)})
	case *controllerpb.CreateUserKeyRequest:
		n := s.created.Add(1)
		id := fmt.Sprintf("new-key-%d", n)
		s.keys.add(Key{ID: id, Description: request.GetAlias(), Scope: int32(request.GetScope())})
		return Answer{}, one(&controllerpb.CreateUserKeyResponse{KeyId: id, KeySecret: fmt.Sprintf("new-secret-%d", n)})
	case *controllerpb.RevokeUserKeyRequest:
		if _, ok := s.keys.remove(func(k Key) bool { return k.ID == request.GetKeyId() }); !ok {
			return Fail(fal.CodeNotFound, "key "+request.GetKeyId()+" not found"), nil
		}
		return Answer{}, one(&controllerpb.RevokeUserKeyResponse{})
	}
	return Answer{}, nil
}

func (k Key) info() *controllerpb.UserKeyInfo {
	return &controllerpb.UserKeyInfo{
		KeyId:     k.ID,
		CreatedAt: moment(k.CreatedAt),
		Scope:     controllerpb.CreateUserKeyRequest_Scope(k.Scope),
		Alias:     k.Description,
	}
}
