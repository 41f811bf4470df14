package state

import (
	"context"
	"errors"
	"strings"
)

// SeedPeople sees to somebody to log in as: "you", whose personal account is the
// first one, and "colleague", with the accounts of a team and of an organization
// that they share, and one of a team of yours that was archived. What is there
// already stays as it is.
func (s *State) SeedPeople(ctx context.Context) error {
	accounts, err := s.db.Accounts(ctx)
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		return errors.New("there is no account yet")
	}
	you, err := s.seedPerson(ctx, "you", "You", accounts[0])
	if err != nil {
		return err
	}
	theirs, err := s.seedAccount(ctx, "colleague", "A Colleague", Personal)
	if err != nil {
		return err
	}
	colleague, err := s.seedPerson(ctx, "colleague", "A Colleague", theirs)
	if err != nil {
		return err
	}
	if _, err := s.seedAccount(ctx, "sample-team", "Sample Team", Team, you, colleague); err != nil {
		return err
	}
	if _, err := s.seedAccount(ctx, "sample-org", "Sample Organization", Org, you, colleague); err != nil {
		return err
	}
	former, err := s.seedAccount(ctx, "former-team", "Former Team", Team, you)
	if err != nil || former.LockReason != "" {
		return err
	}
	return s.LockAccount(ctx, former, Archived)
}

func (s *State) seedPerson(ctx context.Context, name, fullName string, personal Account) (Person, error) {
	person, err := s.Person(name)
	var failure *Error
	if errors.As(err, &failure) && failure.Kind == NotFound {
		return s.CreatePerson(ctx, name, fullName, name+"@localhost", personal)
	}
	return person, err
}

func (s *State) seedAccount(ctx context.Context, nickname, fullName string, kind AccountKind, members ...Person) (Account, error) {
	accounts, err := s.db.Accounts(ctx)
	if err != nil {
		return Account{}, err
	}
	for _, a := range accounts {
		if strings.EqualFold(a.Nickname, nickname) {
			return a, nil
		}
	}
	return s.AddAccount(ctx, nickname, fullName, kind, members...)
}
