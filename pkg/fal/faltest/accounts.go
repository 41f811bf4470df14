package faltest

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// An Account is an account as the wire carries it.
type Account struct {
	UserID   string
	Nickname string
	FullName string
	Personal bool
	Org      bool
	// LockReason is null on the wire when it is empty.
	LockReason string
}

// SetAccounts sets the accounts that GET /users/teams answers, in this order.
// GET /users/current answers the one that the header X-Fal-User-Id names, and
// the first one without it.
func (s *Server) SetAccounts(accounts ...Account) { s.accounts.replace(accounts) }

// accountsHandler answers a request about accounts; of others, and while there
// are no accounts, it is nil.
func (s *Server) accountsHandler(r *http.Request) http.HandlerFunc {
	accounts, ok := s.accounts.list()
	if !ok || r.Method != http.MethodGet {
		return nil
	}
	switch r.URL.Path {
	case "/users/teams":
		teams := []restwire.Team{}
		for _, a := range accounts {
			teams = append(teams, a.team())
		}
		return answerJSON(teams)
	case "/users/current":
		at := 0
		if id := r.Header.Get("X-Fal-User-Id"); id != "" {
			at = slices.IndexFunc(accounts, func(a Account) bool { return a.UserID == id })
		}
		if at >= 0 && at < len(accounts) {
			return answerJSON(restwire.User{UserID: accounts[at].UserID, Nickname: accounts[at].Nickname, FullName: accounts[at].FullName})
		}
	}
	return nil
}

func (a Account) team() restwire.Team {
	return restwire.Team{UserID: a.UserID, Nickname: a.Nickname, FullName: a.FullName, IsPersonal: a.Personal, IsOrg: a.Org, LockReason: optional(a.LockReason)}
}

func answerJSON(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // a client that is gone is told nothing
	}
}
