package state

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Scope is what a key may be used for.
type Scope int

// The scopes. An API key may look at most things and change none.
const (
	Admin Scope = iota
	API
)

// Need is what a call needs its caller to be allowed.
type Need int

// The needs. An ADMIN key meets all of them, an API key the first.
const (
	ToRead          Need = iota + 1 // apps, runners, their logs and usage, environments, the account
	ToChange                        // apps, runners and environments
	ToOpenShells                    // in runners
	ToManageKeys                    // listing them too
	ToManageSecrets                 // listing them too
)

func (n Need) String() string {
	switch n {
	case ToRead:
		return "reading"
	case ToOpenShells:
		return "opening a shell"
	case ToManageKeys:
		return "managing keys"
	case ToManageSecrets:
		return "managing secrets"
	default:
		return "changing anything"
	}
}

// Key is a valid key without its secret.
type Key struct {
	ID        string
	Scope     Scope
	Alias     string
	CreatedAt time.Time
}

// NewKey is a key with its secret, which is known at its creation only.
type NewKey struct {
	ID     string
	Secret string // 64 hexadecimal digits
	Scope  Scope
	Alias  string
}

// Caller is whom a call was authenticated as, by a key or by a login.
type Caller struct {
	Account Account
	KeyID   string // empty for a login
	Scope   Scope
	Login   string // empty for a key
	Person  int64  // who logged in
}

// maxAlias bounds the description of a key, in characters.
const maxAlias = 256

// GenerateKey makes a key that no account has yet. Its secret has 256 random
// bits, so that a plain SHA-256 of it can be stored.
func GenerateKey() (NewKey, error) { return newKey(Admin, "") }

func newKey(scope Scope, alias string) (NewKey, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return NewKey{}, err
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	return NewKey{ID: id.String(), Secret: hex.EncodeToString(secret[:]), Scope: scope, Alias: alias}, nil
}

func (k NewKey) row(created time.Time) store.Key {
	hash := sha256.Sum256([]byte(k.Secret))
	return store.Key{KeyID: k.ID, SecretHash: hash[:], Scope: int(k.Scope), Alias: k.Alias, CreatedAt: created}
}

// Authenticate finds the account behind a key.
func (s *State) Authenticate(keyID, secret string) (Caller, error) {
	if keyID == "" || secret == "" {
		return Caller{}, fail(Unauthenticated, "no credentials: an API key is needed")
	}
	hash := sha256.Sum256([]byte(secret))
	s.mu.RLock()
	key, known := s.keys[keyID]
	account := s.accounts[key.Account]
	s.mu.RUnlock()
	stored := key.SecretHash
	if !known {
		stored = make([]byte, sha256.Size) // so that an unknown id takes as long as a wrong secret
	}
	if subtle.ConstantTimeCompare(hash[:], stored) != 1 || !known {
		return Caller{}, fail(Unauthenticated, "the API key is not known here")
	}
	if err := checkOpen(account); err != nil {
		return Caller{}, err
	}
	return Caller{Account: account, KeyID: keyID, Scope: Scope(key.Scope)}, nil
}

// ActAs checks that the caller may act as the account of that user id; a key
// acts as its own account only. Empty means that none was asked for.
func (c Caller) ActAs(userID string) error {
	if userID != "" && userID != c.Account.UserID {
		return fail(Denied, "this key does not belong to the account %s", userID)
	}
	return nil
}

// May checks that the scope of the caller's key is enough.
func (c Caller) May(need Need) error {
	if c.Scope == Admin || c.Scope == API && need == ToRead {
		return nil
	}
	return fail(Denied, "%s needs a key of ADMIN scope", need)
}

// CreateKey adds a key to the caller's account. Its description has at most 256
// characters.
func (s *State) CreateKey(ctx context.Context, caller Caller, scope Scope, alias string) (NewKey, error) {
	if scope != Admin && scope != API {
		return NewKey{}, fail(Invalid, "scope %d is neither ADMIN (0) nor API (1)", scope)
	}
	if utf8.RuneCountInString(alias) > maxAlias {
		return NewKey{}, fail(Invalid, "the description of a key has at most %d characters", maxAlias)
	}
	key, err := newKey(scope, alias)
	if err != nil {
		return NewKey{}, err
	}
	return key, s.AddKey(ctx, caller.Account, key)
}

// AddKey gives an account a key made with GenerateKey.
func (s *State) AddKey(ctx context.Context, account Account, key NewKey) error {
	row := key.row(s.instant())
	row.Account = account.ID
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertKey(&row) }); err != nil {
		return err
	}
	s.mu.Lock()
	s.keys[row.KeyID] = row
	s.mu.Unlock()
	return nil
}

// Keys returns the valid keys of the caller's account, oldest first.
func (s *State) Keys(caller Caller) []Key {
	s.mu.RLock()
	var rows []store.Key
	for _, row := range s.keys {
		if row.Account == caller.Account.ID {
			rows = append(rows, row)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(rows, func(a, b store.Key) int { return cmp.Compare(a.ID, b.ID) })
	keys := make([]Key, len(rows))
	for i, row := range rows {
		keys[i] = Key{ID: row.KeyID, Scope: Scope(row.Scope), Alias: row.Alias, CreatedAt: row.CreatedAt}
	}
	return keys
}

// RevokeKey ends the validity of a key of the caller's account, at once, and the
// calls that Attend was told of.
func (s *State) RevokeKey(ctx context.Context, caller Caller, keyID string) error {
	if err := checkID("key_id", keyID); err != nil {
		return err
	}
	s.mu.RLock()
	row, known := s.keys[keyID]
	s.mu.RUnlock()
	if !known || row.Account != caller.Account.ID {
		return fail(NotFound, "key %s not found", keyID)
	}
	// A second revocation at the same time finds no valid row, which is what it wanted.
	err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.RevokeKey(row.ID, s.instant()) })
	if err != nil && !isNoRow(err) {
		return err
	}
	s.mu.Lock()
	delete(s.keys, keyID)
	s.hangUp()
	s.mu.Unlock()
	return nil
}
