package project

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// folderMeant is the folder that a reference names, by itself or by its
// pyproject.toml.
func (o Options) folderMeant() (dir string, is bool) {
	path := o.Ref
	if !filepath.IsAbs(path) {
		path = filepath.Join(o.Dir, path)
	}
	if filepath.Base(path) == pyprojectName && isFile(path) {
		return filepath.Dir(path), true
	}
	info, err := os.Stat(path)
	return path, err == nil && info.IsDir()
}

// inFolder is the hint for who means what is in a folder.
func (o Options) inFolder(dir string) string {
	shown := dir
	if below, err := filepath.Rel(o.Dir, dir); err == nil && filepath.IsLocal(below) {
		shown = below
	}
	apps := Names(dir)
	if len(apps) > 0 {
		app := apps[0]
		if own := filepath.Base(dir); slices.Contains(apps, own) {
			app = own
		}
		hint := "`fal deploy " + shellWord(app) + "`"
		if shown != "." && isFile(filepath.Join(dir, pyprojectName)) {
			hint = "`cd " + shellWord(shown) + " && fal deploy " + shellWord(app) + "`"
		}
		if len(apps) > 1 {
			hint += "; the apps there are " + few(apps)
		}
		return hint
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.py")) // an odd name of the folder has no hint
	for i, file := range files {
		files[i] = filepath.Join(shown, filepath.Base(file))
	}
	switch len(files) {
	case 0:
		return "there is neither a " + pyprojectName + " with [tool.fal] nor a Python file in it"
	case 1:
		return "`fal deploy " + shellWord(files[0]) + "`"
	}
	return "name a file of it: " + few(files)
}

// shellWord is a text as one word of a shell.
func shellWord(text string) string {
	if regexp.MustCompile(`^[\w./:@%+,=\\-]+$`).MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
