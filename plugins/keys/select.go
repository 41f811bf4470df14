package keys

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// hintedKeys bounds how many keys an error shows.
const hintedKeys = 10

// isFullID reports whether id is a whole UUID, as the ids of keys are.
func isFullID(id string) bool {
	const length = 36
	return len(id) == length && uuid.Validate(id) == nil
}

// match finds the one listed key whose id is, or begins with, the given text.
func match(id string, rows []view.Key) (view.Key, error) {
	lower := strings.ToLower(id)
	var found []view.Key
	for _, k := range rows {
		if k.KeyID == id {
			return k, nil
		}
		if strings.HasPrefix(k.KeyID, id) || strings.HasPrefix(k.KeyID, lower) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return view.Key{}, &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("key %s not found", id),
			Hint: []string{"`fal keys list` shows those that there are"}}
	case 1:
		return found[0], nil
	}
	e := cli.Usagef("%q is the beginning of %d key ids", id, len(found))
	for _, k := range found[:min(len(found), hintedKeys)] {
		e = e.WithHint(line(k))
	}
	if len(found) > hintedKeys {
		e = e.WithHint(fmt.Sprintf("and %d more", len(found)-hintedKeys))
	}
	return view.Key{}, e
}

// line shows a key where a question or an error needs it.
func line(k view.Key) string {
	return iostreams.SanitizeLine(k.KeyID + "  " + k.Summary())
}
