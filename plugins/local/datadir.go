package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

// Files of a data folder, beside those of the control plane itself.
const (
	markerName = localplane.MarkerName // makes the folder recognisably ours
	lockName   = "fal-local.lock"      // held by the server for as long as it lives
	recordName = localplane.RecordName
	logName    = "server.log"
	oldLogName = "server.log.old"
)

// maxLogSize is how large the log may be, in bytes, before a start puts it
// aside.
const maxLogSize = 16 << 20

// dataDir is the folder that holds everything of one control plane. Its path
// is absolute.
type dataDir string

// settings is the content of the marker.
type settings struct {
	Format int `json:"format"`
	Port   int `json:"port"` // the last one; 0 for none
}

const settingsFormat = 1

// resolveDataDir returns the folder that was asked for, or the default one.
func resolveDataDir(given string, getenv func(string) string) (dataDir, error) {
	path := given
	if path == "" {
		usual, err := localplane.Folder(getenv)
		if err != nil {
			return "", err
		}
		path = usual
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", &cli.Error{Message: "the current folder is gone: " + err.Error(), Err: err}
	}
	return dataDir(path), nil
}

func (d dataDir) file(name string) string { return filepath.Join(string(d), name) }

// String is the path as it may be shown.
func (d dataDir) String() string { return iostreams.SanitizeLine(string(d)) }

// prepare makes the folder if it is missing, and ours if it is empty. One with
// foreign files in it is refused, since everything in it is deleted by reset.
func (d dataDir) prepare() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return d.failure("cannot create", err)
	}
	ours, empty, err := d.inspect()
	switch {
	case err != nil:
		return d.failure("cannot read", err)
	case ours:
		return nil
	case !empty:
		return d.foreign()
	}
	return d.saveSettings(settings{})
}

// login is where those who log in to this control plane keep their login.
func (d dataDir) login() string { return d.file(localplane.LoginFolder) }

func (d dataDir) prepareLogin() error {
	if err := os.MkdirAll(d.login(), 0o700); err != nil {
		return d.failure("cannot create", err)
	}
	return nil
}

// inspect tells whose the folder is. One that does not exist is empty.
func (d dataDir) inspect() (ours, empty bool, err error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	empty = true
	for _, e := range entries {
		if e.Name() == markerName && e.Type().IsRegular() {
			return true, false, nil
		}
		// Another start that is about to write the marker is no stranger.
		empty = empty && strings.HasPrefix(e.Name(), markerName)
	}
	return false, empty, nil
}

func (d dataDir) foreign() error {
	return cli.Failuref("%s is not empty and is not a data folder of fal local: it is left alone", d).
		WithHint("name another folder with --data-dir")
}

func (d dataDir) failure(what string, err error) error {
	var pathError *fs.PathError
	reason := err.Error()
	place := d.String()
	if errors.As(err, &pathError) {
		reason, place = pathError.Err.Error(), iostreams.SanitizeLine(pathError.Path)
	}
	return (&cli.Error{Message: fmt.Sprintf("%s %s: %s", what, place, reason), Err: err}).
		WithHint("name another folder with --data-dir")
}

// settings reads the marker. What is missing or damaged counts as unset.
func (d dataDir) settings() settings {
	var s settings
	data, err := os.ReadFile(d.file(markerName))
	if err != nil || json.Unmarshal(data, &s) != nil || s.Port < 0 || s.Port > 65535 {
		return settings{}
	}
	return s
}

func (d dataDir) saveSettings(s settings) error {
	s.Format = settingsFormat
	if err := writeJSON(d.file(markerName), s); err != nil {
		return d.failure("cannot write", err)
	}
	return nil
}

// openLog opens the server's log for appending, after putting one that has
// grown large aside.
func (d dataDir) openLog() (*os.File, error) {
	path := d.file(logName)
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogSize {
		if err := os.Rename(path, d.file(oldLogName)); err != nil {
			return nil, d.failure("cannot put aside", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, d.failure("cannot write", err)
	}
	return f, nil
}

// writeJSON is replaceFile with v as JSON.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return replaceFile(path, append(data, '\n'))
}

// replaceFile replaces a file as a whole or not at all, readable by its owner
// only.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
