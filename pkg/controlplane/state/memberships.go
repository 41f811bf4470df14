package state

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// AddMember lets a person act as an account; who may already still may.
func (s *State) AddMember(ctx context.Context, person Person, account Account) error {
	m := store.Membership{Person: person.ID, Account: account.ID}
	s.registered.Lock()
	defer s.registered.Unlock()
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertMembership(m) }); err != nil {
		return err
	}
	s.mu.Lock()
	s.people.join(person.ID, account.ID)
	s.mu.Unlock()
	return nil
}

// RemoveMember ends that, at once.
func (s *State) RemoveMember(ctx context.Context, person Person, account Account) error {
	m := store.Membership{Person: person.ID, Account: account.ID}
	s.registered.Lock()
	defer s.registered.Unlock()
	err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.DeleteMembership(m) })
	if isNoRow(err) {
		return fail(NotFound, "%s is no member of %s", person.Name, account.Nickname)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.people.memberships[person.ID] = slices.DeleteFunc(s.people.memberships[person.ID], func(id int64) bool { return id == account.ID })
	s.mu.Unlock()
	return nil
}

// Memberships returns the accounts that the caller may act as, those that are
// locked too: for a key its own, for a login the personal one and then the
// others by nickname.
func (s *State) Memberships(caller Caller) []Account {
	if caller.Login == "" {
		return []Account{caller.Account}
	}
	s.mu.RLock()
	var list []Account
	for _, id := range s.people.accounts(caller.Person) {
		list = append(list, s.accounts[id])
	}
	s.mu.RUnlock()
	slices.SortFunc(list[1:], func(a, b Account) int {
		return cmp.Compare(strings.ToLower(a.Nickname), strings.ToLower(b.Nickname))
	})
	return list
}

// actingAs returns the account of a user id, if the person is a member; the
// personal one when it is empty.
func (s *State) actingAs(person int64, userID string) (Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if userID == "" {
		account := s.accounts[s.people.people[person].Account]
		return account, checkOpen(account)
	}
	for _, id := range s.people.accounts(person) {
		if account := s.accounts[id]; account.UserID == userID {
			return account, checkOpen(account)
		}
	}
	if err := checkID("the user id of the account", userID); err != nil {
		return Account{}, err
	}
	return Account{}, fail(Denied, "this login is not a member of the account %s", userID)
}
