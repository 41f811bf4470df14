package state

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// DefaultEnvironment is the environment that every account has.
const DefaultEnvironment = "main"

// environmentMark stands in an alias between the name of an app and that of
// its environment, unless that is the default one.
const environmentMark = "--"

const (
	// maxEnvironmentName leaves room in an alias for the name of an app, in bytes.
	maxEnvironmentName = 63
	// maxDescription bounds the description of an environment, in characters.
	maxDescription = 256
	// maxEnvironments is how many an account may have beside the default one.
	maxEnvironments = 100
)

// environmentNames has single hyphens only: two of them end the name of an app.
var environmentNames = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Environment is a part of an account that has apps and secrets of its own.
type Environment struct {
	Name        string
	Description string
	Default     bool
	CreatedAt   time.Time
}

type environmentName struct {
	account int64
	name    string
}

// environment returns the name of an account's environment as it is kept:
// DefaultEnvironment for "" too. One that does not exist is NotFound. Whoever
// adds something to the environment holds registered meanwhile, so that it is
// not deleted. s.mu must not be held.
func (s *State) environment(account int64, name string) (string, error) {
	if name == "" || name == DefaultEnvironment {
		return DefaultEnvironment, nil
	}
	if err := checkID("environment_name", name); err != nil {
		return "", err
	}
	s.mu.RLock()
	_, ok := s.environments[environmentName{account, name}]
	s.mu.RUnlock()
	if !ok {
		return "", errNoEnvironment(name)
	}
	return name, nil
}

func errNoEnvironment(name string) error { return fail(NotFound, "environment %s not found", name) }

// Environments returns those of the caller's account: the default one, then the
// others, oldest first.
func (s *State) Environments(caller Caller) []Environment {
	s.mu.RLock()
	var rows []store.Environment
	for name, row := range s.environments {
		if name.account == caller.Account.ID {
			rows = append(rows, row)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(rows, func(a, b store.Environment) int { return cmp.Compare(a.ID, b.ID) })
	list := make([]Environment, 1, len(rows)+1)
	list[0] = Environment{Name: DefaultEnvironment, Default: true, CreatedAt: caller.Account.CreatedAt}
	for _, row := range rows {
		list = append(list, Environment{Name: row.Name, Description: row.Description, CreatedAt: row.CreatedAt})
	}
	return list
}

// CreateEnvironment adds an empty environment to the caller's account. Its name
// has lower-case letters and digits with single hyphens between them, 63 at
// most; its description at most 256 characters.
func (s *State) CreateEnvironment(ctx context.Context, caller Caller, name, description string) (Environment, error) {
	if err := checkEnvironmentName(name); err != nil {
		return Environment{}, err
	}
	if utf8.RuneCountInString(description) > maxDescription {
		return Environment{}, fail(Invalid, "the description of an environment has at most %d characters", maxDescription)
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	key := environmentName{caller.Account.ID, name}
	s.mu.RLock()
	_, exists := s.environments[key]
	others := 0
	for of := range s.environments {
		if of.account == key.account {
			others++
		}
	}
	s.mu.RUnlock()
	switch {
	case exists || name == DefaultEnvironment:
		return Environment{}, fail(Exists, "environment %s exists already", name)
	case others >= maxEnvironments:
		return Environment{}, fail(Exhausted, "an account has at most %d environments beside %s", maxEnvironments, DefaultEnvironment)
	}
	row := store.Environment{Account: key.account, Name: name, Description: description, CreatedAt: s.instant()}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertEnvironment(&row) }); err != nil {
		return Environment{}, err
	}
	s.mu.Lock()
	s.environments[key] = row
	s.mu.Unlock()
	return Environment{Name: name, Description: description, CreatedAt: row.CreatedAt}, nil
}

func checkEnvironmentName(name string) error {
	if err := checkID("the name of the environment", name); err != nil {
		return err
	}
	if len(name) > maxEnvironmentName || !environmentNames.MatchString(name) {
		return fail(Invalid, "%q is no name for an environment: it has lower-case letters, digits and single hyphens between them, %d at most", name, maxEnvironmentName)
	}
	return nil
}

// DeleteEnvironment removes an environment that holds neither apps nor secrets,
// and the revisions that are left in it. The default one cannot be deleted.
func (s *State) DeleteEnvironment(ctx context.Context, caller Caller, name string) error {
	if err := checkID("the name of the environment", name); err != nil {
		return err
	}
	if name == DefaultEnvironment {
		return fail(Conflict, "environment %s is the default one and cannot be deleted", name)
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	key := environmentName{caller.Account.ID, name}
	s.mu.RLock()
	row, exists := s.environments[key]
	content := s.inEnvironment(key)
	s.mu.RUnlock()
	switch {
	case !exists:
		return errNoEnvironment(name)
	case content != "":
		return fail(Conflict, "environment %s is not empty: it has %s", name, content)
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteRevisionsOf(key.account, name); err != nil {
			return err
		}
		return tx.DeleteEnvironment(row.ID)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.environments, key)
	maps.DeleteFunc(s.revisions, func(_ string, r *store.Revision) bool {
		return r.Account == key.account && r.Environment == name
	})
	s.mu.Unlock()
	return nil
}

// inEnvironment says what apps and secrets there are; empty for none. It needs
// State.mu.
func (s *State) inEnvironment(e environmentName) string {
	var apps, secrets []string
	for name, app := range s.apps {
		if name.account == e.account && app.Environment == e.name {
			apps = append(apps, bareName(name.alias, e.name))
		}
	}
	for name := range s.secrets {
		if name.account == e.account && name.environment == e.name {
			secrets = append(secrets, name.name)
		}
	}
	var parts []string
	if len(apps) > 0 {
		parts = append(parts, enumerate("app", apps))
	}
	if len(secrets) > 0 {
		parts = append(parts, enumerate("secret", secrets))
	}
	return strings.Join(parts, " and ")
}

// named bounds how many things of a kind a message names.
const named = 5

// enumerate writes "app a", "apps a, b", or the first few and how many more.
func enumerate(what string, names []string) string {
	slices.Sort(names)
	if len(names) > 1 {
		what += "s"
	}
	text := what + " " + strings.Join(names[:min(len(names), named)], ", ")
	if more := len(names) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (s *State) loadEnvironments(ctx context.Context) error {
	rows, err := s.db.Environments(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s.environments[environmentName{row.Account, row.Name}] = row
	}
	return nil
}
