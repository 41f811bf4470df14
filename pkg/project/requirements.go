package project

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
)

// readEnvironment reads what Python the app runs with.
func (s *settings) readEnvironment(t *table) {
	s.pythonVersion = t.text("python_version")
	s.readRequirements(t)
	s.requirementsDir = s.dir
	if dir := t.text("requirements_context_dir"); dir != nil {
		s.requirementsDir = expand(s.dir, *dir)
		if !isDir(s.requirementsDir) {
			t.wrong([]string{"requirements_context_dir"}, "there is no folder %s", *dir)
			return
		}
	}
	if s.image == nil && !t.has("image") {
		s.checkRequirements(t)
	}
}

func (s *settings) readRequirements(t *table) {
	const want = "a list of strings, or a list of lists of strings"
	value, ok := t.get("requirements")
	if !ok {
		return
	}
	list, ok := value.([]any)
	if !ok {
		t.mistyped([]string{"requirements"}, want, value)
		return
	}
	s.requirements = [][]string{}
	for i, value := range list {
		key := []string{"requirements", element(i)}
		_, isLayer := value.([]any)
		if i == 0 {
			s.layered = isLayer
		}
		switch value := value.(type) {
		case []any:
			if s.layered {
				s.requirements = append(s.requirements, t.strings(key, value))
				continue
			}
			t.wrong(key, "must be a string as those before it, not a list")
		case string:
			if !s.layered {
				if len(s.requirements) == 0 {
					s.requirements = [][]string{nil}
				}
				s.requirements[0] = append(s.requirements[0], value)
				continue
			}
			t.wrong(key, "must be a list of strings as those before it, not a string")
		default:
			t.mistyped(key, "a string or a list of strings", value)
		}
	}
}

// checkRequirements notes relative paths that lead to no folder: pip would
// look for them on the other machine.
func (s *settings) checkRequirements(t *table) {
	for i, layer := range s.requirements {
		for j, requirement := range layer {
			if !isRelativePath(requirement) {
				continue
			}
			if _, _, local := localRequirement(s.requirementsDir, requirement); local {
				continue
			}
			key := []string{"requirements", element(j)}
			if s.layered {
				key = []string{"requirements", element(i), element(j)}
			}
			t.wrong(key, "there is no folder %s", requirement)
		}
	}
}

// isRelativePath says whether a requirement can only be a path.
func isRelativePath(requirement string) bool {
	path := filepath.ToSlash(strings.TrimSpace(requirement))
	return path == "." || path == ".." || strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") ||
		strings.HasPrefix(path, ".[") || strings.HasPrefix(path, "..[") || strings.HasPrefix(path, "~/")
}

// requirementValues are the requirements as JSON has them.
func (s *settings) requirementValues() []any {
	layers := make([]any, len(s.requirements))
	for i, layer := range s.requirements {
		layers[i] = anys(layer)
	}
	if s.layered {
		return layers
	}
	return anys(slices.Concat(s.requirements...))
}

// localSources builds the source distributions of the requirements that are
// folders, each folder once. Relative ones are under base. The cleanups are to
// be called also after an error.
func localSources(ctx context.Context, o Options, base string, layers [][]string) (sources []fal.Source, cleanups []func() error, err error) {
	built := map[string]fal.Source{}
	for _, requirement := range slices.Concat(layers...) {
		dir, extras, local := localRequirement(base, requirement)
		if !local || slices.ContainsFunc(sources, func(s fal.Source) bool { return s.Requirement == requirement }) {
			continue
		}
		source, ok := built[dir]
		if !ok {
			var cleanup func() error
			source, cleanup, err = buildSource(ctx, o, dir)
			if cleanup != nil {
				cleanups = append(cleanups, cleanup)
			}
			if err != nil {
				return nil, cleanups, err
			}
			built[dir] = source
		}
		source.Requirement, source.Extras = requirement, extras
		sources = append(sources, source)
	}
	return sources, cleanups, nil
}

// localRequirement takes a requirement that is an existing folder apart:
// "../lib[a,b]" has the extras "[a,b]".
func localRequirement(base, requirement string) (dir, extras string, local bool) {
	path := strings.TrimSpace(requirement)
	if open := strings.LastIndexByte(path, '['); open > 0 && strings.HasSuffix(path, "]") && open < len(path)-2 {
		path, extras = strings.TrimSpace(path[:open]), path[open:]
	}
	if path == "" {
		return "", "", false
	}
	dir = expand(base, path)
	if !isDir(dir) {
		return "", "", false
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return dir, extras, true
}
