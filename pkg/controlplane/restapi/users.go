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

// teams are the accounts that the caller may act as.
func (a *api) teams(caller state.Caller, _ *http.Request) (any, error) {
	accounts := a.state.Memberships(caller)
	teams := make([]restwire.Team, len(accounts))
	for i, account := range accounts {
		kind := state.AccountKind(account.Kind)
		teams[i] = restwire.Team{
			UserID:     account.UserID,
			Nickname:   account.Nickname,
			FullName:   account.FullName,
			IsPersonal: kind == state.Personal,
			IsOrg:      kind == state.Org,
		}
		if account.LockReason != "" {
			teams[i].LockReason = new(account.LockReason)
		}
	}
	return teams, nil
}
