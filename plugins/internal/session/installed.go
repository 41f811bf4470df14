package session

import (
	"os"

	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

// localInstalled reports whether fal-local can be run, so that no hint names a
// program that is not there: on PATH, or beside this one.
func (s *Session) localInstalled() bool {
	path := searchpath.Parse(s.inv.Getenv("PATH"), s.inv.Getenv("PATHEXT"))
	if self, err := os.Executable(); err == nil {
		path = path.With(searchpath.FolderOf(self))
	}
	_, found := path.Find("fal-local")
	return found
}
