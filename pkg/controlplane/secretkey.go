package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
	"github.com/fal-plugins/fal/pkg/controlplane/vault"
)

// SecretKeyFile is the file in the data folder with the key that secrets are
// sealed under. It is made at the first start, with mode 0600; a copy of the
// folder without it is one without the values of the secrets.
const SecretKeyFile = "secrets.key"

// ErrSecretKey is returned by Start when there are secrets that cannot be read,
// because SecretKeyFile is missing, damaged, or holds another key.
var ErrSecretKey = errors.New("the secrets in the data folder cannot be read")

// openVault never makes a key while there are secrets that need another one.
func openVault(ctx context.Context, db *store.Store, path string, logger *slog.Logger) (*vault.Vault, error) {
	v, err := vault.Open(path, logger)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kept, err := db.HasSecrets(ctx)
		if err != nil {
			return nil, err
		}
		if kept {
			return nil, fmt.Errorf("%w: the file of their key, %s, is missing", ErrSecretKey, path)
		}
		return vault.Create(path)
	case errors.Is(err, vault.ErrKeyFile):
		return nil, fmt.Errorf("%w: %w", ErrSecretKey, err)
	}
	return v, err
}

// secretKeyError tells a failure to read the secrets from the others.
func secretKeyError(err error, path string) error {
	if errors.Is(err, vault.ErrSealed) {
		return fmt.Errorf("%w with the key in %s: %w", ErrSecretKey, path, err)
	}
	return err
}
