package state

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Person is somebody who can log in.
type Person = store.Person

// peopleBook is who there is. Its fields need State.mu.
type peopleBook struct {
	people      map[int64]Person
	memberships map[int64][]int64 // of a person: accounts beside the personal one
	logins      map[string]store.Login
}

func newPeopleBook() peopleBook {
	return peopleBook{people: make(map[int64]Person), memberships: make(map[int64][]int64), logins: make(map[string]store.Login)}
}

func (b *peopleBook) join(person, account int64) {
	if !slices.Contains(b.memberships[person], account) {
		b.memberships[person] = append(b.memberships[person], account)
	}
}

// accounts are those that a person may act as, the personal one first.
func (b *peopleBook) accounts(person int64) []int64 {
	return append([]int64{b.people[person].Account}, b.memberships[person]...)
}

// CreatePerson adds somebody whose personal account is the given one. Names are
// unique, whatever their case, and an account is the personal one of one person
// at most.
func (s *State) CreatePerson(ctx context.Context, name, fullName, email string, personal Account) (Person, error) {
	if err := checkID("the name of the person", name); err != nil {
		return Person{}, err
	}
	if AccountKind(personal.Kind) != Personal {
		return Person{}, fail(Invalid, "the account %s is no personal one", personal.Nickname)
	}
	person := Person{Name: name, FullName: fullName, Email: email, Account: personal.ID, CreatedAt: s.instant()}
	s.registered.Lock()
	defer s.registered.Unlock()
	for _, other := range s.People() {
		if strings.EqualFold(other.Name, name) {
			return Person{}, fail(Exists, "there is a person named %s already", other.Name)
		}
		if other.Account == personal.ID {
			return Person{}, fail(Exists, "the account %s is that of %s", personal.Nickname, other.Name)
		}
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertPerson(&person) }); err != nil {
		return Person{}, err
	}
	s.mu.Lock()
	s.people.people[person.ID] = person
	s.mu.Unlock()
	return person, nil
}

// People returns everybody who can log in, by when they were added.
func (s *State) People() []Person {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Person, 0, len(s.people.people))
	for _, p := range s.people.people {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Person) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Person returns the person of a name, whatever its case.
func (s *State) Person(name string) (Person, error) {
	for _, p := range s.People() {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
	}
	if err := checkID("the name of the person", name); err != nil {
		return Person{}, err
	}
	return Person{}, fail(NotFound, "nobody is named %q here", name)
}

// PersonalAccount returns the account that a person acts as unless another is
// asked for.
func (s *State) PersonalAccount(p Person) Account {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.accounts[p.Account]
}

func (s *State) loadPeople(ctx context.Context) error {
	people, err := s.db.People(ctx)
	if err != nil {
		return err
	}
	for _, p := range people {
		s.people.people[p.ID] = p
	}
	memberships, err := s.db.Memberships(ctx)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		s.people.join(m.Person, m.Account)
	}
	logins, err := s.db.Logins(ctx)
	if err != nil {
		return err
	}
	for _, l := range logins {
		s.people.logins[l.LoginID] = l
	}
	return nil
}
