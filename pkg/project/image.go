package project

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/fal"
)

// image is what an app's image table says.
type image struct {
	reference       string // "" for a Dockerfile
	dockerfile      *dockerfile
	buildArgs       map[string]string
	secrets         map[string]string
	registries      map[string]fal.Registry
	entrypoint, cmd *fal.Command
}

// dockerfile is a Dockerfile and what its COPY and ADD take from contextDir.
type dockerfile struct {
	text       string
	contextDir string
	sources    []source
	patterns   []string // that keep files out, in the syntax of .gitignore
	defaults   bool     // they are not the project's own
}

// readImage reads an image table of a file in the folder dir.
func readImage(t *table, dir string) *image {
	i := &image{}
	path, reference := t.text("dockerfile"), t.text("image")
	switch {
	case t.has("dockerfile") && t.has("image"):
		t.wrong([]string{"dockerfile"}, "cannot be given with image: one of both is where the image comes from")
	case !t.has("dockerfile") && !t.has("image"):
		t.wrong(nil, "there is no image or dockerfile in it")
	}
	if reference != nil {
		i.reference = *reference
	}
	i.buildArgs, i.secrets = t.dictionary("build_args"), t.dictionary("secrets")
	if path != nil {
		i.dockerfile = openDockerfile(t, dir, *path, i.buildArgs)
	}
	if t.has("image") && !t.has("dockerfile") {
		for _, key := range []string{"build_args", "secrets"} {
			if t.has(key) {
				t.wrong([]string{key}, "is for a dockerfile: an image is not built")
			}
		}
	}
	if registries := t.table("registries"); registries != nil {
		i.registries = readRegistries(registries)
	}
	i.entrypoint, i.cmd = t.command("entrypoint"), t.command("cmd")
	t.finish()
	return i
}

func openDockerfile(t *table, dir, path string, arguments map[string]string) *dockerfile {
	key := []string{"dockerfile"}
	full := expandPlain(dir, path)
	if why := notFile(full); why != "" {
		t.wrong(key, "%s: %s", path, why)
		return nil
	}
	text, err := readText(full, path)
	if err != nil {
		t.wrong(key, "%s", err)
		return nil
	}
	if strings.TrimSpace(string(text)) == "" {
		t.wrong(key, "%s is empty", path)
		return nil
	}
	if !utf8.Valid(text) {
		t.wrong(key, "%s is not UTF-8", path)
		return nil
	}
	// The wire has the lines of a file that Python reads as text.
	d := &dockerfile{text: strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), contextDir: dir}
	shown := path
	if !filepath.IsAbs(path) {
		shown = filepath.Join(filepath.Dir(t.file.shown), path)
	}
	if d.patterns, err = ignorePatterns(dir); err != nil {
		t.wrong(key, "%s", err)
		return d
	}
	d.defaults = !exists(filepath.Join(dir, dockerignoreName))
	copies, err := readDockerfile(d.text, arguments)
	var found Problems
	if err != nil && !errors.As(err, &found) {
		t.wrong(key, "%s: %s", path, err)
		return d
	}
	for i := range found {
		found[i].File = shown
		found[i].Message = strings.TrimPrefix(found[i].Message, fmt.Sprintf("dockerfile parse error on line %d: ", found[i].Line))
	}
	for _, c := range copies {
		d.sources = append(d.sources, source{c.path, Problem{File: shown, Line: c.line}})
	}
	found = append(found, checkSources(dir, d.sources, ignoring(d.patterns))...)
	if len(found) == 0 {
		found = d.sourcesLeftOut()
	}
	slices.SortStableFunc(found, func(a, b Problem) int { return a.Line - b.Line })
	*t.problems = append(*t.problems, found...)
	return d
}

func readRegistries(t *table) map[string]fal.Registry {
	registries := make(map[string]fal.Registry, len(t.values))
	for _, host := range slices.Sorted(maps.Keys(t.values)) {
		below := t.table(host)
		if below == nil {
			continue
		}
		var registry fal.Registry
		for _, field := range []struct {
			key string
			to  *string
		}{{"username", &registry.Username}, {"password", &registry.Password}} {
			if text := below.text(field.key); text != nil {
				*field.to = *text
			} else if !below.has(field.key) {
				below.wrong(nil, "there is no %s in it", field.key)
			}
		}
		below.finish()
		registries[host] = registry
	}
	return registries
}

// command is what replaces an image's own.
func (t *table) command(key string) *fal.Command {
	text, list := t.textOrTexts(key)
	switch {
	case text != nil:
		return &fal.Command{Shell: *text}
	case list != nil:
		return &fal.Command{Exec: list}
	}
	return nil
}
