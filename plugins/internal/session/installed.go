package session

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

// local returns the words that run fal-local here, or "": no hint names a
// program that is not there.
func (s *Session) local() string {
	path := searchpath.Parse(s.inv.Getenv("PATH"), s.inv.Getenv("PATHEXT"))
	_, onPath := path.Find("fal-local")
	self, err := os.Executable()
	beside := false
	if err == nil {
		_, beside = path.In(searchpath.FolderOf(self), "fal-local")
	}
	switch {
	case (onPath || beside) && strings.HasPrefix(s.inv.Typed(), "fal "):
		return "fal local"
	case onPath:
		return "fal-local"
	case beside:
		return cli.Quote(filepath.Join(searchpath.FolderOf(self), "fal-local"))
	}
	return ""
}
