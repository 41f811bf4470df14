package session

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

// local returns the words that run fal-local here, or "": no hint names a
// program that is not there.
func (s *Session) local() string { return s.program("local") }

// program returns the words that run the program of a noun here, or "".
func (s *Session) program(noun string) string {
	if s.inv.App != nil && s.inv.App.Noun == noun {
		return "fal " + noun // as it was typed, in the end
	}
	name := "fal-" + noun
	path := searchpath.Parse(s.inv.Getenv("PATH"), s.inv.Getenv("PATHEXT"))
	_, onPath := path.Find(name)
	self, err := os.Executable()
	beside := false
	if err == nil {
		_, beside = path.In(searchpath.FolderOf(self), name)
	}
	switch {
	case (onPath || beside) && strings.HasPrefix(s.inv.Typed(), "fal "):
		return "fal " + noun
	case onPath:
		return name
	case beside:
		return cli.Quote(filepath.Join(searchpath.FolderOf(self), name))
	}
	return ""
}

// localKeyWouldDo reports whether `fal local env` would change the key in use:
// the host is that of the control plane which it speaks of, and no profile was
// named, which would go before the variables.
func (s *Session) localKeyWouldDo() bool {
	if p := s.Config.Profile; p.Value != "" && p.Origin.Kind == config.OriginFlag || !s.Config.Host.IsLoopback() {
		return false
	}
	folder, err := localplane.Folder(s.inv.Getenv)
	if err != nil {
		return false
	}
	record, ok, err := localplane.Read(folder)
	return err == nil && ok && record.Address == s.Config.Host.Value
}
