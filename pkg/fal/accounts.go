package fal

import (
	"context"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// AccountsService tells about accounts.
type AccountsService struct{ client *Client }

// An Account is a person's or a team's account.
type Account struct {
	// UserID may read "<provider>|<id>".
	UserID   string
	Nickname string
	FullName string
}

// Current is the account behind the client's credentials.
func (s *AccountsService) Current(ctx context.Context) (Account, error) {
	var user restwire.User
	if err := s.client.get(ctx, "users/current", nil, &user); err != nil {
		return Account{}, err
	}
	if user.UserID == "" && user.Nickname == "" {
		return Account{}, &Error{Code: CodeUnavailable, Method: "GET /users/current", why: CauseProtocol, Message: "the service names no account"}
	}
	return Account{UserID: user.UserID, Nickname: user.Nickname, FullName: user.FullName}, nil
}
