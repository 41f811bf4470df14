package build

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// localMark is in a requirement whose distribution is a file of this machine, as is
// one that was uploaded.
const localMark = " @ file:"

func isLocal(requirement string) bool { return strings.Contains(requirement, localMark) }

func (r *pythonRecipe) hasLocal() bool {
	return slices.ContainsFunc(r.layers, func(layer []string) bool { return slices.ContainsFunc(layer, isLocal) })
}

// withoutLocal returns the recipe with what is known of the needs of its local
// distributions in their place, unless their needs are not wanted. The names of these
// are reserved in it, as another package may need them: what an index calls so is not
// meant. It returns false if the recipe cannot be divided so.
func (r *pythonRecipe) withoutLocal(needsWanted bool) (*pythonRecipe, bool) {
	own := make(map[string]bool)
	for _, layer := range r.layers {
		for _, requirement := range layer {
			if isLocal(requirement) {
				own[projectName(requirement)] = true
			}
		}
	}
	if own[""] {
		return nil, false
	}
	other := *r
	other.layers, other.reserved = nil, slices.Sorted(maps.Keys(own))
	for _, layer := range r.layers {
		var rest []string
		needsWanted := needsWanted && !withoutNeeds(layer)
		for _, requirement := range layer {
			switch {
			case !isLocal(requirement) && own[projectName(requirement)]:
				return nil, false
			case !isLocal(requirement):
				rest = append(rest, requirement)
			case needsWanted:
				for _, need := range dependencies(requirement) {
					if !own[projectName(need)] && !slices.Contains(rest, need) {
						rest = append(rest, need)
					}
				}
			}
		}
		// A line with an option alone has nothing to install.
		if _, lines := separate(rest); slices.ContainsFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "-") }) {
			other.layers = append(other.layers, rest)
		}
	}
	return &other, true
}

// withoutNeeds reports whether a layer has an option by which no package is installed
// that another needs. Options may be abbreviated.
func withoutNeeds(layer []string) bool {
	return slices.ContainsFunc(layer, func(line string) bool {
		return strings.HasPrefix(line, "-") && slices.ContainsFunc(strings.Fields(line), func(word string) bool {
			return strings.HasPrefix(word, "--no-dep")
		})
	})
}

// id names what is installed for a Python by its content, as [Definition.ID] does.
func (r *pythonRecipe) id(host *interpreter) string {
	// These can be put into JSON.
	text, err := json.Marshal([]any{"base", recipeVersion, host, r.version, r.layers, r.reserved, r.indexes, r.bytecode})
	if err != nil {
		text = []byte(err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// projectName is the name that a requirement begins with, in its normal form; empty
// if it begins with none.
func projectName(requirement string) string {
	name := regexp.MustCompile(`^\s*(?:[A-Za-z0-9][A-Za-z0-9._-]*)?`).FindString(requirement)
	return normalName(name)
}

func normalName(name string) string {
	return regexp.MustCompile(`[-_.]+`).ReplaceAllString(strings.ToLower(strings.TrimSpace(name)), "-")
}

// dependencies returns what the distribution of a local requirement depends on,
// as far as it says that without being built.
func dependencies(requirement string) []string {
	head, location, _ := strings.Cut(requirement, " @ ")
	location, marker, _ := strings.Cut(location, " ")
	name, list, hasExtras := strings.Cut(strings.TrimSpace(head), "[")
	var extras []string
	if hasExtras {
		extras = strings.Split(strings.TrimSuffix(list, "]"), ",")
	}
	place, err := url.Parse(location)
	if err != nil || marker != "" {
		return nil
	}
	path := place.Path
	if isWindows {
		path = strings.TrimPrefix(path, "/")
	}
	text, err := pyprojectOf(filepath.FromSlash(path))
	if err != nil {
		return nil // what is wrong with it shows when it is installed
	}
	return declared(text, name, extras)
}

// The bounds of what is read of a distribution to know what it depends on.
const (
	maxDistribution = 64 << 20 // bytes, unpacked
	maxPyproject    = 1 << 20
)

// pyprojectOf returns the pyproject.toml of a source distribution.
func pyprojectOf(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(io.LimitReader(unpacked, maxDistribution))
	for {
		header, err := files.Next()
		if err != nil {
			return nil, err
		}
		_, below, _ := strings.Cut(strings.TrimPrefix(header.Name, "./"), "/")
		if below != "pyproject.toml" || header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size > maxPyproject {
			return nil, errors.New("pyproject.toml is too large")
		}
		return io.ReadAll(files)
	}
}

// declared returns what a pyproject.toml says that a project and extras of it
// depend on; nothing when a part of that is known to its build backend alone.
func declared(text []byte, name string, extras []string) []string {
	var file struct {
		Project *struct {
			Name         string              `toml:"name"`
			Dynamic      []string            `toml:"dynamic"`
			Dependencies []string            `toml:"dependencies"`
			Optional     map[string][]string `toml:"optional-dependencies"`
		} `toml:"project"`
	}
	if err := toml.Unmarshal(text, &file); err != nil || file.Project == nil {
		return nil
	}
	p := file.Project
	if normalName(p.Name) != normalName(name) || slices.Contains(p.Dynamic, "dependencies") ||
		len(extras) > 0 && slices.Contains(p.Dynamic, "optional-dependencies") {
		return nil
	}
	needs := slices.Clone(p.Dependencies)
	for _, extra := range extras {
		for other, more := range p.Optional {
			if normalName(other) == normalName(extra) {
				needs = append(needs, more...)
			}
		}
	}
	return slices.DeleteFunc(needs, func(need string) bool {
		// An extra may name others of the same project.
		return projectName(need) == "" || projectName(need) == normalName(name) || strings.HasPrefix(strings.TrimSpace(need), "-") ||
			strings.ContainsAny(need, "\r\n\x00") || isLocal(need)
	})
}
