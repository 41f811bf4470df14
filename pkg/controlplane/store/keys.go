package store

import (
	"context"
	"time"
)

// Key is a row of keys. The secret itself is never stored.
type Key struct {
	ID         int64
	KeyID      string
	Account    int64
	SecretHash []byte
	Scope      int
	Alias      string
	CreatedAt  time.Time
	RevokedAt  time.Time // zero while the key is valid
}

// InsertKey adds a key and sets its ID.
func (tx *Tx) InsertKey(k *Key) error {
	return tx.insert(&k.ID, `INSERT INTO keys (key_id, account, secret_hash, scope, alias, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		k.KeyID, k.Account, k.SecretHash, k.Scope, k.Alias, micros(k.CreatedAt))
}

// RevokeKey marks a valid key as revoked; ErrNotFound when there is none.
func (tx *Tx) RevokeKey(id int64, at time.Time) error {
	return tx.update(`UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at = 0`, micros(at), id)
}

// ValidKeys returns every key that was not revoked, oldest first.
func (s *Store) ValidKeys(ctx context.Context) ([]Key, error) {
	return collect(ctx, s, func(row scanner) (k Key, err error) {
		var created int64
		err = row.Scan(&k.ID, &k.KeyID, &k.Account, &k.SecretHash, &k.Scope, &k.Alias, &created)
		k.CreatedAt = moment(created)
		return k, err
	}, `SELECT id, key_id, account, secret_hash, scope, alias, created_at FROM keys WHERE revoked_at = 0 ORDER BY id`)
}
