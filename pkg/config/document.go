package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"sort"

	"github.com/pelletier/go-toml/v2"
)

const (
	internalTable  = "__internal__"
	internalTeam   = "team"
	internalChoice = "profile"

	profileKey       = "key"
	profileHost      = "host"
	profileLocalHost = "local_host"

	settingCheckUpdates = "check_updates"

	// Far above what a person writes; it keeps a wrong path (a device, a
	// log) from being read into memory.
	maxFileSize = 4 << 20
)

var utf8BOM = []byte("\xef\xbb\xbf")

// document is a configuration file as read: its bytes without a byte order
// mark, and what they mean.
type document struct {
	text   []byte
	bom    bool
	values map[string]any
}

// readDocument reads and parses the file at path, called shown in errors. A
// file that does not exist is an empty document.
func readDocument(path, shown string) (document, error) {
	data, err := readWhole(path, shown)
	if err != nil {
		return document{}, err
	}
	return parseDocument(data, shown)
}

// readWhole returns the content of the file at path, nothing for a missing
// one and for path "".
func readWhole(path, shown string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(shown, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, unreadable(shown, err)
	}
	if len(data) > maxFileSize {
		return nil, errorf(Unreadable, "cannot read %s: larger than %d MiB", shown, maxFileSize>>20).about(shown, nil)
	}
	return data, nil
}

func unreadable(shown string, err error) *Error {
	return errorf(Unreadable, "cannot read %s: %s", shown, reason(err)).about(shown, err)
}

// reason returns an error of the file system without the path it repeats.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err.Error()
	}
	return err.Error()
}

func parseDocument(data []byte, shown string) (document, error) {
	var d document
	d.text, d.bom = bytes.CutPrefix(data, utf8BOM)
	if bytes.HasPrefix(d.text, []byte("\xff\xfe")) || bytes.HasPrefix(d.text, []byte("\xfe\xff")) {
		return document{}, (&Error{
			Code:    Syntax,
			Message: shown + ":1:1: the file is UTF-16, and must be UTF-8",
			Line:    1,
			Column:  1,
		}).about(shown, nil)
	}
	d.values = map[string]any{}
	if err := toml.Unmarshal(d.text, &d.values); err != nil {
		return document{}, syntaxError(d.text, shown, err)
	}
	return d, nil
}

// table returns the table called name, or nil.
func (d document) table(name string) map[string]any {
	t, _ := d.values[name].(map[string]any)
	return t
}

// profile returns the profile called name, or nil.
func (d document) profile(name string) map[string]any {
	if name == internalTable {
		return nil
	}
	return d.table(name)
}

// profileNames returns the names of all profiles, sorted.
func (d document) profileNames() []string {
	var names []string
	for name := range d.values {
		if d.profile(name) != nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// internal returns the value of key in the internal table, "" when it is not
// set.
func (d document) internal(key, shown string) (string, error) {
	v, ok := d.values[internalTable]
	if !ok {
		return "", nil
	}
	t, ok := v.(map[string]any)
	if !ok {
		return "", errorf(BadValue, "%s: %s must be a table", shown, internalTable).about(shown, nil)
	}
	return text(t, key, internalTable+"."+key, shown)
}

// text returns the string at key, "" when there is none.
func text(t map[string]any, key, called, shown string) (string, error) {
	v, ok := t[key]
	if !ok {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", errorf(BadValue, "%s: %s must be a string, in quotes", shown, called).about(shown, nil)
	}
	return s, nil
}
