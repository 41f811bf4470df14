package state

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Account is whom keys, apps and runners belong to.
type Account = store.Account

// Accounts returns every account, oldest first.
func (s *State) Accounts(ctx context.Context) ([]Account, error) { return s.db.Accounts(ctx) }

// CreateAccount adds an account together with a first key of ADMIN scope.
// Nicknames are unique, whatever their case.
func (s *State) CreateAccount(ctx context.Context, nickname, fullName string) (Account, NewKey, error) {
	key, err := newKey(Admin, "")
	if err != nil {
		return Account{}, NewKey{}, err
	}
	account, err := s.CreateAccountWithKey(ctx, nickname, fullName, key)
	return account, key, err
}

// CreateAccountWithKey adds an account and a key made with GenerateKey, which
// the caller may have written down first.
func (s *State) CreateAccountWithKey(ctx context.Context, nickname, fullName string, key NewKey) (Account, error) {
	if nickname == "" || strings.ContainsAny(nickname, " /\t\r\n") {
		return Account{}, fail(Invalid, "a nickname is not empty and contains neither a slash nor white space: %q", nickname)
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	s.mu.RLock()
	for _, a := range s.accounts {
		if strings.EqualFold(a.Nickname, nickname) {
			s.mu.RUnlock()
			return Account{}, fail(Conflict, "an account with the nickname %q exists already", a.Nickname)
		}
	}
	s.mu.RUnlock()
	account := Account{UserID: "local|" + uuid.NewString(), Nickname: nickname, FullName: fullName, CreatedAt: s.instant()}
	row := key.row(s.instant())
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAccount(&account); err != nil {
			return err
		}
		row.Account = account.ID
		return tx.InsertKey(&row)
	})
	if err != nil {
		return Account{}, err
	}
	s.mu.Lock()
	s.accounts[account.ID] = account
	s.keys[row.KeyID] = row
	s.mu.Unlock()
	return account, nil
}
