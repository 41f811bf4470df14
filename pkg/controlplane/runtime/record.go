package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	recordSuffix    = ".json"
	temporarySuffix = ".tmp"
)

// record is what remains of a process when everyone who knew it is gone. It is
// written when there is a supervisor but no process yet, and again when there
// is one.
type record struct {
	ID         string   `json:"id"`
	Mark       string   `json:"mark"`
	Owner      identity `json:"owner"`      // the control plane
	Supervisor identity `json:"supervisor"` // leads the session
	Process    identity `json:"process"`    // leads the group; zero at first
}

// recordDir is a folder with a file for every live process.
type recordDir string

func (d recordDir) path(mark string) string {
	return filepath.Join(string(d), mark+recordSuffix)
}

// write replaces the record whole or not at all. It is not flushed to the disk:
// it must outlive processes, and these never outlive the system.
func (d recordDir) write(rec record) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	path := d.path(rec.Mark)
	if err := os.WriteFile(path+temporarySuffix, data, 0o600); err != nil {
		return errors.Join(err, d.discard(path+temporarySuffix))
	}
	if err := os.Rename(path+temporarySuffix, path); err != nil {
		return errors.Join(err, d.discard(path+temporarySuffix))
	}
	return nil
}

func (d recordDir) read(mark string) (record, error) {
	data, err := os.ReadFile(d.path(mark))
	if err != nil {
		return record{}, err
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil {
		return record{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if rec.Mark != mark || rec.Supervisor.PID <= 1 {
		return record{}, errUnreadable
	}
	return rec, nil
}

var errUnreadable = errors.New("unreadable record")

func (d recordDir) remove(mark string) error {
	return d.discard(d.path(mark))
}

func (d recordDir) discard(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// list returns the marks that have a record, and the marks whose record was
// being written when its writer died.
func (d recordDir) list() (marks, unfinished []string, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		name := entry.Name()
		if mark, ok := strings.CutSuffix(name, recordSuffix); ok {
			marks = append(marks, mark)
		} else if mark, ok := strings.CutSuffix(name, recordSuffix+temporarySuffix); ok {
			unfinished = append(unfinished, mark)
		}
	}
	return marks, unfinished, nil
}
