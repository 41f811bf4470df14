package fal

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

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
	// Type is [AccountUnknown] where the service does not tell, as for
	// [AccountsService.Current].
	Type AccountType
}

// An AccountType says whose an account is.
type AccountType int

// The types of accounts.
const (
	AccountUnknown  AccountType = iota
	AccountPersonal             // of the person who logged in
	AccountTeam
	AccountOrg // of an organization
)

// String is personal, team or org, and unknown otherwise.
func (t AccountType) String() string {
	switch t {
	case AccountPersonal:
		return "personal"
	case AccountTeam:
		return "team"
	case AccountOrg:
		return "org"
	}
	return "unknown"
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

// AccountsListParams are the options of [AccountsService.List]; there are none
// yet.
type AccountsListParams struct{}

// List goes through the accounts that the client's credentials may act as: the
// personal one first, then by nickname, in any case. Accounts that were
// archived are left out, as in the official client.
func (s *AccountsService) List(ctx context.Context, _ *AccountsListParams) iter.Seq2[Account, error] {
	return list(func() ([]restwire.Team, error) {
		var teams []restwire.Team
		if err := s.client.get(ctx, "users/teams", nil, &teams); err != nil {
			return nil, err
		}
		teams = slices.DeleteFunc(teams, archived)
		slices.SortStableFunc(teams, personalFirst)
		return teams, nil
	}, accountOf)
}

// archived reports whether an account is kept for its past only. The service
// writes whole sentences: "This account has been archived. …"
func archived(t restwire.Team) bool {
	return t.LockReason != nil && strings.Contains(strings.ToLower(*t.LockReason), "archived")
}

func personalFirst(a, b restwire.Team) int {
	if a.IsPersonal != b.IsPersonal {
		if a.IsPersonal {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(strings.ToLower(a.Nickname), strings.ToLower(b.Nickname)), strings.Compare(a.Nickname, b.Nickname))
}

func accountOf(t restwire.Team) Account {
	a := Account{UserID: t.UserID, Nickname: t.Nickname, FullName: t.FullName, Type: AccountTeam}
	switch {
	case t.IsPersonal:
		a.Type = AccountPersonal
	case t.IsOrg:
		a.Type = AccountOrg
	}
	return a
}

// RequiresDeployCheck reports whether the client's account wants its
// deployments to be confirmed by a person.
func (s *AccountsService) RequiresDeployCheck(ctx context.Context) (bool, error) {
	var user map[string]any
	if err := s.client.get(ctx, "users/current", nil, &user); err != nil {
		return false, err
	}
	if wantsDeployCheck(user) {
		return true, nil
	}
	for _, part := range [...]string{"org_config", "admin_config", "team_config", "settings"} {
		if nested, ok := user[part].(map[string]any); ok && wantsDeployCheck(nested) {
			return true, nil
		}
	}
	return false, nil
}

// wantsDeployCheck looks through the keys by which an account may say so.
func wantsDeployCheck(config map[string]any) bool {
	for _, key := range [...]string{"deploy_check", "serverless_deploy_check", "require_deploy_check", "require_deployment_confirmation", "deployment_confirmation"} {
		switch v := config[key].(type) {
		case bool:
			if v {
				return true
			}
		case float64:
			if v != 0 {
				return true
			}
		case string:
			switch strings.ToLower(strings.TrimSpace(v)) {
			case "", "0", "false", "no", "off":
			default:
				return true
			}
		}
	}
	return false
}
