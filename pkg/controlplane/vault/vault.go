// Package vault seals values under a key that is kept in a file.
//
//	v, err := vault.Open(path, logger) // fs.ErrNotExist: vault.Create(path)
//	sealed := v.Seal(value, "local|42", "main", "API_KEY")
//	value, err = v.Unseal(sealed, "local|42", "main", "API_KEY")
//
// Guarantees: AES-256-GCM, with a random nonce for each value; what was sealed
// is opened under the same key and for the same place only, so that a sealed
// value that was changed, or moved to another name, is refused. The key file
// has mode 0600 and is on the disk, whole, when Create returns; the file of an
// earlier key is never replaced. Neither keys nor values are in any error.
//
// A key seals up to 2^32 values. What is sealed is as long as the value and
// Overhead bytes.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

// The errors of Open and Unseal that are about the key.
var (
	ErrKeyFile = errors.New("does not hold a key: 64 hexadecimal digits on a line")
	ErrSealed  = errors.New("sealed under another key, for another place, or damaged")
)

const (
	keySize = 32
	format  = 1 // the first byte of what is sealed
)

// Overhead is how many bytes a sealed value is longer than the value.
const Overhead = 1 + 12 + 16

// Vault seals and unseals. Its methods may be called from any goroutine.
type Vault struct{ aead cipher.AEAD }

// Open reads the key from its file. One that others could read is made private,
// and the logger is told, since they may have a copy. The error is
// fs.ErrNotExist when there is no file, and ErrKeyFile when there is no key in
// it.
func Open(path string, logger *slog.Logger) (*Vault, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// The modes of Windows say nothing of others.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, err
		}
		logger.Warn("others could read the key of the secrets until now: set the secrets again under a new one if they may have", "file", path, "mode", mode)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key := make([]byte, keySize)
	text := bytes.TrimSpace(content)
	if len(text) != hex.EncodedLen(keySize) {
		return nil, fmt.Errorf("%s %w", path, ErrKeyFile)
	}
	if _, err := hex.Decode(key, text); err != nil {
		return nil, fmt.Errorf("%s %w", path, ErrKeyFile)
	}
	return newVault(key)
}

// Create makes a key and its file. The error is fs.ErrExist when there is one.
func Create(path string) (*Vault, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	v, err := newVault(key)
	if err != nil {
		return nil, err
	}
	return v, place(path, append(hex.AppendEncode(nil, key), '\n'))
}

func newVault(key []byte) (*Vault, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Vault{aead: aead}, nil
}

// place writes a file that is there whole or not at all, and stays.
func place(path string, content []byte) error {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // does nothing after the rename
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		return err
	}
	return durable.Rename(temporary.Name(), path)
}

// Seal encrypts a value for a place, which may have any number of parts.
func (v *Vault) Seal(value string, place ...string) []byte {
	sealed := make([]byte, 1, len(value)+Overhead)
	sealed[0] = format
	return v.aead.Seal(sealed, nil, []byte(value), address(place))
}

// Unseal returns the value that was sealed for the place, or ErrSealed.
func (v *Vault) Unseal(sealed []byte, place ...string) (string, error) {
	if len(sealed) < Overhead || sealed[0] != format {
		return "", ErrSealed
	}
	value, err := v.aead.Open(nil, nil, sealed[1:], address(place))
	if err != nil {
		return "", ErrSealed
	}
	return string(value), nil
}

// address is different for every place, whatever its parts are.
func address(place []string) []byte {
	b := []byte{format}
	for _, part := range place {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
