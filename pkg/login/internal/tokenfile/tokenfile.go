// Package tokenfile keeps the tokens of a login in the file that every client
// of the service shares, under the lock that the official client takes.
//
//	folder := tokenfile.At(dir, notice)
//	now, err := folder.Read() // no lock
//	held, err := folder.Lock(ctx, 20*time.Second, nil)
//	defer held.Release()
//	slot, err := held.Reserve()
//	err = slot.Commit(tokens)
//
// The file is replaced atomically: a reader, or a crash at any moment, meets
// the old tokens or the new ones. Its mode is 0600, and so is that of every
// file on the way there; a wider one that someone else left is tightened with a
// notice.
package tokenfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	tokenName      = "auth0_token"
	lockName       = ".portalock"
	connectionName = "last_auth_connection"

	fileMode   = 0o600
	folderMode = 0o700

	maxSize = 1 << 20 // far more than two tokens
)

// Tokens are what the file holds: a line each, the second one optional.
type Tokens struct{ Refresh, Access string }

// Contents is the file as it was read.
type Contents struct {
	Tokens
	Missing  bool
	Modified time.Time
}

// Folder is where the files are. It need not exist.
type Folder struct {
	path   string
	notice func(string)
}

// At returns the folder at path. notice is told when a mode was tightened.
func At(path string, notice func(string)) *Folder { return &Folder{path: path, notice: notice} }

func (f *Folder) file(name string) string { return filepath.Join(f.path, name) }

// Path is the token file's.
func (f *Folder) Path() string { return f.file(tokenName) }

// Read returns what the file holds. It takes no lock: the official client
// writes in place, so that an empty file is looked at again for a moment.
func (f *Folder) Read() (Contents, error) {
	const looks, pause = 10, 5 * time.Millisecond
	for look := 1; ; look++ {
		c, err := f.read()
		if err != nil || c.Missing || c.Refresh != "" || look == looks {
			return c, err
		}
		time.Sleep(pause)
	}
}

func (f *Folder) read() (Contents, error) {
	file, err := os.Open(f.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return Contents{Missing: true}, nil
	}
	if err != nil {
		return Contents{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Contents{}, err
	}
	if !info.Mode().IsRegular() {
		return Contents{}, &fs.PathError{Op: "read", Path: f.Path(), Err: errors.New("it is not a regular file")}
	}
	f.tighten(file, info)
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return Contents{}, err
	}
	if len(content) > maxSize {
		return Contents{}, &fs.PathError{Op: "read", Path: f.Path(), Err: errors.New("it is too large for a token file")}
	}
	return Contents{Tokens: parse(content), Modified: info.ModTime()}, nil
}

// parse takes what the official client writes, on every system, and what an
// editor makes of it.
func parse(content []byte) Tokens {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	lines := strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' || r == '\r' })
	var t Tokens
	if len(lines) > 0 && Printable(strings.TrimSpace(lines[0])) {
		t.Refresh = strings.TrimSpace(lines[0])
	}
	if t.Refresh != "" && len(lines) > 1 && Printable(strings.TrimSpace(lines[1])) {
		t.Access = strings.TrimSpace(lines[1])
	}
	return t
}

// encode writes as the official client does: no newline at the end.
func (t Tokens) encode() []byte {
	if t.Access == "" {
		return []byte(t.Refresh)
	}
	return []byte(t.Refresh + "\n" + t.Access)
}

// Printable reports whether a token can stand on a line of the file and in a
// header: visible ASCII characters alone.
func Printable(token string) bool {
	return strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Connection returns the connection of the last login, or "".
func (f *Folder) Connection() string {
	file, err := os.Open(f.file(connectionName))
	if err != nil {
		return "" // it is a convenience: none is as good
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, 1<<10))
	if name := strings.TrimSpace(string(content)); err == nil && Printable(name) {
		return name
	}
	return ""
}

// SetConnection remembers the connection of a login.
func (f *Folder) SetConnection(name string) error {
	if !Printable(name) {
		return fmt.Errorf("%q is no connection", name)
	}
	if err := os.MkdirAll(f.path, folderMode); err != nil {
		return err
	}
	s, err := reserve(f.file(connectionName))
	if err != nil {
		return err
	}
	return s.commit([]byte(name))
}
