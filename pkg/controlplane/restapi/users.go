package restapi

import (
	"net/http"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func (a *api) currentUser(caller state.Caller, _ *http.Request) (any, error) {
	return restwire.User{
		UserID:   caller.Account.UserID,
		Nickname: caller.Account.Nickname,
		FullName: caller.Account.FullName,
	}, nil
}

// teams are the accounts that the caller may act as: a key has its own only.
func (a *api) teams(caller state.Caller, _ *http.Request) (any, error) {
	return []restwire.Team{{
		UserID:     caller.Account.UserID,
		Nickname:   caller.Account.Nickname,
		FullName:   caller.Account.FullName,
		IsPersonal: true,
	}}, nil
}
