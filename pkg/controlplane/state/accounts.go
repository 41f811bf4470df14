package state

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Account is whom keys, apps and runners belong to.
type Account = store.Account

// AccountKind is whose an account is; Account.Kind is one of them.
type AccountKind int

// The kinds of account.
const (
	Personal AccountKind = iota
	Team
	Org
)

// Archived is the reason of a lock that clients take as the end of an account:
// they do not list it.
const Archived = "This account has been archived. Please contact support@fal.ai."

// Accounts returns every account, oldest first.
func (s *State) Accounts(ctx context.Context) ([]Account, error) { return s.db.Accounts(ctx) }

// CreateAccount adds a personal account together with a first key of ADMIN
// scope. Nicknames are unique, whatever their case.
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
	account := s.newAccount(nickname, fullName, Personal)
	s.registered.Lock()
	defer s.registered.Unlock()
	if err := s.checkNickname(nickname); err != nil {
		return Account{}, err
	}
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

// AddAccount adds an account that has no key, and lets people act as it.
func (s *State) AddAccount(ctx context.Context, nickname, fullName string, kind AccountKind, members ...Person) (Account, error) {
	if kind < Personal || kind > Org {
		return Account{}, fail(Invalid, "there is no account of kind %d", kind)
	}
	account := s.newAccount(nickname, fullName, kind)
	s.registered.Lock()
	defer s.registered.Unlock()
	if err := s.checkNickname(nickname); err != nil {
		return Account{}, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAccount(&account); err != nil {
			return err
		}
		for _, member := range members {
			if err := tx.InsertMembership(store.Membership{Person: member.ID, Account: account.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Account{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[account.ID] = account
	for _, member := range members {
		s.people.join(member.ID, account.ID)
	}
	return account, nil
}

// LockAccount has every call for an account refused, for a reason that is shown
// with it; an empty reason ends that. Its runners are left as they are.
func (s *State) LockAccount(ctx context.Context, account Account, reason string) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.LockAccount(account.ID, reason) })
	if isNoRow(err) {
		return fail(NotFound, "account %s not found", account.Nickname)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	locked := s.accounts[account.ID]
	locked.LockReason = reason
	s.accounts[account.ID] = locked
	s.hangUp()
	s.mu.Unlock()
	return nil
}

func (s *State) newAccount(nickname, fullName string, kind AccountKind) Account {
	return Account{UserID: "local|" + uuid.NewString(), Nickname: nickname, FullName: fullName, Kind: int(kind), CreatedAt: s.instant()}
}

// Reserved reports whether paths that begin with this segment are not those of
// apps, so that nobody can have it as a nickname. Case does not count.
func Reserved(segment string) bool {
	switch strings.ToLower(segment) {
	case "applications", "auth", "files", "health", "logs", "queue", "runners", "storage", "users":
		return true
	}
	return false
}

// checkNickname needs State.registered.
func (s *State) checkNickname(nickname string) error {
	if nickname == "" || strings.ContainsAny(nickname, " /\t\r\n") {
		return fail(Invalid, "a nickname is not empty and contains neither a slash nor white space: %q", nickname)
	}
	if Reserved(nickname) {
		return fail(Invalid, "%q is no nickname: paths that begin with it are answered by the control plane itself", nickname)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range s.accounts {
		if strings.EqualFold(a.Nickname, nickname) {
			return fail(Conflict, "an account with the nickname %q exists already", a.Nickname)
		}
	}
	return nil
}

// checkOpen refuses calls for an account that is locked.
func checkOpen(account Account) error {
	if account.LockReason == "" {
		return nil
	}
	return fail(Denied, "the account %s is locked: %s", account.Nickname, account.LockReason)
}
