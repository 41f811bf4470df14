package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// Credentials are the two halves of an API key.
type Credentials struct {
	KeyID  string
	Secret string
}

// Key returns the form that FAL_KEY takes, "<id>:<secret>".
func (c Credentials) Key() string { return c.KeyID + ":" + c.Secret }

// String names the key without its secret, so that logging one by mistake does
// no harm.
func (c Credentials) String() string { return "key " + c.KeyID }

// ReadCredentials returns the key that Start left in a data folder, in the file
// "credentials" with mode 0600: the database has only its hash. It needs no
// running control plane; the error is fs.ErrNotExist before the first start.
func ReadCredentials(dataDir string) (Credentials, error) {
	return readCredentials(filepath.Join(dataDir, "credentials"))
}

func readCredentials(path string) (Credentials, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Credentials{}, err
	}
	id, secret, ok := strings.Cut(strings.TrimSpace(string(content)), ":")
	if !ok || id == "" || secret == "" {
		return Credentials{}, fmt.Errorf("%s does not hold a key of the form <id>:<secret>", path)
	}
	return Credentials{KeyID: id, Secret: secret}, nil
}

// ensureCredentials creates the first account and its key. When the file was
// lost, is damaged, or its key was revoked, the first account gets another
// ADMIN key: whoever owns the folder owns what is in it. The file is written
// before the key is in force, so that no crash leaves an account without one.
func ensureCredentials(ctx context.Context, st *state.State, path string) (Credentials, error) {
	accounts, err := st.Accounts(ctx)
	if err != nil {
		return Credentials{}, err
	}
	found, err := readCredentials(path)
	if err == nil && len(accounts) > 0 {
		caller, err := st.Authenticate(found.KeyID, found.Secret)
		if err == nil && caller.Account.ID == accounts[0].ID {
			return found, nil
		}
	}
	if err != nil && errors.Is(err, fs.ErrPermission) {
		return Credentials{}, err
	}
	key, err := state.GenerateKey()
	if err != nil {
		return Credentials{}, err
	}
	credentials := Credentials{KeyID: key.ID, Secret: key.Secret}
	if err := writePrivate(path, []byte(credentials.Key()+"\n")); err != nil {
		return Credentials{}, err
	}
	if len(accounts) == 0 {
		_, err = st.CreateAccountWithKey(ctx, "local", "Local Account", key)
	} else {
		err = st.AddKey(ctx, accounts[0], key)
	}
	return credentials, err
}
