package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Vault encrypts the values of secrets for a place, which only they can be
// decrypted for.
type Vault interface {
	Seal(value string, place ...string) []byte
	Unseal(sealed []byte, place ...string) (string, error)
}

const (
	// maxSecretName bounds the name of a secret, in bytes.
	maxSecretName = 255
	// maxSecretValue bounds the value of a secret, in bytes: no system takes
	// longer variables everywhere.
	maxSecretValue = 32_000
	// maxSecrets bounds what an environment has in secrets, in bytes of names and
	// sealed values: systems bound what a process is started with.
	maxSecrets = 512 << 10
)

// secretNames are those that every shell accepts for a variable.
var secretNames = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Secret is a secret without its value.
type Secret struct {
	Name           string
	Environment    string
	DefaultExposed *bool // nil when it was never said, which counts as true
	CreatedAt      time.Time
}

type secretName struct {
	account     int64
	environment string
	name        string
}

// place is where the value is, for the vault.
func (n secretName) place() []string {
	return []string{strconv.FormatInt(n.account, 10), n.environment, n.name}
}

// SetSecret gives a secret a value; runners that start from now on get it. Its
// name is a letter or underscore followed by letters, digits and underscores,
// 255 at most, and none of the variables that every runner gets from the control
// plane, nor PATH, nor one that begins with LD_ or DYLD_; its value has at most 32,000 bytes, and no NUL byte. Setting one again
// keeps defaultExposed as it was when that is nil.
func (s *State) SetSecret(ctx context.Context, caller Caller, environment, name, value string, defaultExposed *bool) error {
	if err := checkSecret(name, value); err != nil {
		return err
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	environment, err := s.environment(caller.Account.ID, environment)
	if err != nil {
		return err
	}
	if s.vault == nil {
		return fail(Conflict, "this control plane has no vault to keep secrets in")
	}
	key := secretName{caller.Account.ID, environment, name}
	now := s.instant()
	row := store.Secret{
		Account:        key.account,
		Environment:    key.environment,
		Name:           key.name,
		DefaultExposed: defaultExposed,
		CreatedAt:      now,
	}
	s.mu.RLock()
	before, exists := s.secrets[key]
	size := s.sizeOfSecrets(key.account, environment)
	s.mu.RUnlock()
	if exists {
		row = before
		row.DefaultExposed = cmp.Or(defaultExposed, before.DefaultExposed)
		size -= sizeOfSecret(&before)
	}
	row.Sealed, row.UpdatedAt = s.vault.Seal(value, key.place()...), now
	if size+sizeOfSecret(&row) > maxSecrets {
		return fail(Invalid, "with %s the secrets of environment %s have more than %d KiB", name, environment, maxSecrets>>10)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if exists {
			return tx.UpdateSecret(&row)
		}
		return tx.InsertSecret(&row)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.secrets[key] = row
	s.mu.Unlock()
	return nil
}

// checkSecret never says anything of the value but its length.
func checkSecret(name, value string) error {
	if err := checkSecretName(name); err != nil {
		return err
	}
	switch {
	case len(value) > maxSecretValue:
		return fail(Invalid, "the value of secret %s has %d bytes, the limit is %d", name, len(value), maxSecretValue)
	case strings.ContainsRune(value, 0):
		return fail(Invalid, "the value of secret %s has a NUL byte in it, which no variable can have", name)
	}
	return nil
}

func checkSecretName(name string) error {
	if err := checkID("the name of the secret", name); err != nil {
		return err
	}
	switch {
	case len(name) > maxSecretName || !secretNames.MatchString(name):
		return fail(Invalid, "%q is no name for a secret: it is a letter or underscore, then letters, digits and underscores, %d at most", name, maxSecretName)
	case reserved(name):
		return fail(Invalid, "%s is no name for a secret: every runner has a variable of that name", name)
	case steering(name):
		return fail(Invalid, "%s is no name for a secret: it says where the programs of a runner, and their libraries, are loaded from", name)
	}
	return nil
}

// reserved reports whether the control plane itself sets a variable of runners.
func reserved(name string) bool {
	switch name {
	case "PORT", "FAL_APP_NAME", "FAL_RUNNER_ID", "FAL_REVISION", "FAL_MACHINE_TYPE", "FAL_LOCAL_PROCESS":
		return true
	}
	return false
}

// steering reports whether a variable decides which code a runner executes.
func steering(name string) bool {
	return strings.EqualFold(name, "PATH") || strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_")
}

func sizeOfSecret(row *store.Secret) int { return len(row.Name) + len(row.Sealed) }

// sizeOfSecrets needs State.mu.
func (s *State) sizeOfSecrets(account int64, environment string) int {
	size := 0
	for name, row := range s.secrets {
		if name.account == account && name.environment == environment {
			size += sizeOfSecret(&row)
		}
	}
	return size
}

// DeleteSecret removes a secret. Runners that have it keep it until they end.
func (s *State) DeleteSecret(ctx context.Context, caller Caller, environment, name string) error {
	if err := checkID("the name of the secret", name); err != nil {
		return err
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	environment, err := s.environment(caller.Account.ID, environment)
	if err != nil {
		return err
	}
	key := secretName{caller.Account.ID, environment, name}
	s.mu.RLock()
	row, exists := s.secrets[key]
	s.mu.RUnlock()
	if !exists {
		return fail(NotFound, "secret %s not found in environment %s", name, environment)
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.DeleteSecret(row.ID) }); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.secrets, key)
	s.mu.Unlock()
	return nil
}

// Secrets returns the secrets of an environment of the caller's account, by
// name.
func (s *State) Secrets(caller Caller, environment string) ([]Secret, error) {
	environment, err := s.environment(caller.Account.ID, environment)
	if err != nil {
		return nil, err
	}
	rows := s.secretsOf(caller.Account.ID, environment)
	list := make([]Secret, len(rows))
	for i, row := range rows {
		list[i] = Secret{Name: row.Name, Environment: row.Environment, DefaultExposed: row.DefaultExposed, CreatedAt: row.CreatedAt}
	}
	return list, nil
}

// secretsOf returns the rows of an environment by name.
func (s *State) secretsOf(account int64, environment string) []store.Secret {
	var rows []store.Secret
	s.mu.RLock()
	for name, row := range s.secrets {
		if name.account == account && name.environment == environment {
			rows = append(rows, row)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(rows, func(a, b store.Secret) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// RunnerSecrets returns what a runner of the app is to get as variables: the
// secrets that its revision names, or else those that are exposed by default.
// missing names those that it names and that are not set.
func (s *State) RunnerSecrets(app *App) (variables, missing []string, err error) {
	found := make(map[string]bool)
	for _, row := range s.secretsOf(app.Account, app.Environment) {
		if !given(app.Rev.Secrets, &row) {
			continue
		}
		value, err := s.unseal(&row)
		if err != nil {
			return nil, nil, err
		}
		found[row.Name] = true
		variables = append(variables, row.Name+"="+value)
	}
	for _, name := range app.Rev.Secrets {
		if !found[name] {
			missing = append(missing, name)
		}
	}
	return variables, missing, nil
}

// given reports whether runners get a secret: those on the list, or if that is nil
// whatever is exposed by default. Not having said whether it is counts as yes.
func given(allowed []string, row *store.Secret) bool {
	if allowed != nil {
		return slices.Contains(allowed, row.Name)
	}
	return row.DefaultExposed == nil || *row.DefaultExposed
}

func (s *State) unseal(row *store.Secret) (string, error) {
	value, err := s.vault.Unseal(row.Sealed, secretName{row.Account, row.Environment, row.Name}.place()...)
	if err != nil {
		return "", fmt.Errorf("secret %s of environment %s: %w", row.Name, row.Environment, err)
	}
	return value, nil
}

// loadSecrets fails when one cannot be read, rather than that runners miss it.
func (s *State) loadSecrets(ctx context.Context) error {
	rows, err := s.db.Secrets(ctx)
	if err != nil {
		return err
	}
	if len(rows) > 0 && s.vault == nil {
		return errors.New("there are secrets, and no vault to read them with")
	}
	for _, row := range rows {
		if _, err := s.unseal(&row); err != nil {
			return err
		}
		s.secrets[secretName{row.Account, row.Environment, row.Name}] = row
	}
	return nil
}
