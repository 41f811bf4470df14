package searchpath

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Shadow says that a command runs another program than ours.
type Shadow struct {
	// First is the program that PATH gives, Ours the one it hides.
	First, Ours string
	// Message is one sentence without a final full stop.
	Message string
	// PathLine is a line for the shell that puts ours first.
	PathLine string
}

// Shadowed says whether another program comes first on the path under the
// name of ours, which is the program called name in the folder of the
// executable self, in which links are followed. So `fal`, and every plugin
// installed beside it, asks with its own executable and the name "fal".
//
// It is false when ours does not exist, when the path has no program of that
// name, and when the first one is ours through links. It costs two or three
// stats for each folder.
func (p Path) Shadowed(self, name string) (Shadow, bool) {
	own := FolderOf(self)
	if own == "" {
		return Shadow{}, false
	}
	our, found := p.In(own, name)
	if !found {
		return Shadow{}, false
	}
	first, found := p.Find(name)
	if !found || os.SameFile(first.Info, our.Info) {
		return Shadow{}, false
	}
	// A folder of PATH that leads to ours stays right when the folder behind
	// its link changes with the version.
	hides := "; " + our.Path + " is not on PATH"
	for _, folder := range p.Folders {
		if file, found := p.In(folder, name); found && os.SameFile(file.Info, our.Info) {
			our.Path = file.Path
			hides = ", which comes before " + our.Path + " on PATH"
			break
		}
	}
	return Shadow{
		First:    first.Path,
		Ours:     our.Path,
		Message:  "`" + name + "` runs " + first.Path + hides,
		PathLine: pathLine(runtime.GOOS, filepath.Dir(our.Path)),
	}, true
}

// FolderOf returns the folder in which an executable really is, links
// followed. It is "" when self is no absolute path.
func FolderOf(self string) string {
	if !filepath.IsAbs(self) {
		return ""
	}
	if resolved, err := filepath.EvalSymlinks(self); err == nil {
		self = resolved
	}
	return filepath.Dir(self)
}

func pathLine(goos, folder string) string {
	if goos == "windows" {
		return "$env:Path = '" + strings.ReplaceAll(folder, "'", "''") + ";' + $env:Path"
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(folder)
	return `export PATH="` + quoted + `:$PATH"`
}
