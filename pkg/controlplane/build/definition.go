package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// recipeVersion is part of every ID: what is built by other rules is built anew.
const recipeVersion = 1

// File is an uploaded file of a definition.
type File struct {
	Path string // with slashes, below the folder of the app
	Hash string
	Mode fs.FileMode // permissions alone
}

// Definition is an environment as the wire has it, with the files of its app.
type Definition struct {
	Kind          string // "virtualenv" or "container"
	Configuration map[string]any
	Files         []File
	Force         bool // build although it was built before
	// Methods are what functions that will be called are serialized with: what these
	// are loaded with is installed if it is missing. They are no part of the ID.
	Methods []string
}

// ID names the definition by its content: 32 hexadecimal digits. Credentials for
// registries and secrets of a build are no part of it.
func (d Definition) ID() string {
	files := slices.SortedFunc(slices.Values(d.Files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	// What came from JSON can be put into it; maps are written in order.
	text, err := json.Marshal([]any{recipeVersion, d.Kind, withoutSecrets(d.Configuration), files})
	if err != nil {
		text = []byte(err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

func withoutSecrets(configuration map[string]any) map[string]any {
	image, ok := configuration["image"].(map[string]any)
	if !ok {
		return configuration
	}
	configuration, image = maps.Clone(configuration), maps.Clone(image)
	delete(image, "registries")
	delete(image, "secrets")
	configuration["image"] = image
	return configuration
}

// recipe is a definition that was understood.
type recipe struct {
	python *pythonRecipe
	image  *imageRecipe
	files  []File
	isBase bool // others are derived from it, and it is none of an app
}

type pythonRecipe struct {
	version     string     // as in "3.11"; empty for any
	layers      [][]string // of requirements
	reserved    []string   // normal names of packages that may come from nowhere, sorted
	indexes     []string   // beside the default one
	constraints string
	bytecode    bool
}

type imageRecipe struct {
	reference       string
	dockerfile      string
	arguments       map[string]string
	entrypoint, cmd *command
	own             bool // its own command is the app
}

// command is a program with its arguments, or a line for a shell.
type command struct {
	Exec  []string `json:"exec,omitempty"`
	Shell string   `json:"shell,omitempty"`
}

func (d Definition) recipe() (*recipe, error) {
	r := &recipe{files: d.Files}
	seen := make(map[string]bool, len(d.Files))
	for _, f := range d.Files {
		if seen[f.Path] {
			return nil, failf("there are two uploaded files of the path %q", f.Path)
		}
		seen[f.Path] = true
		if !fs.ValidPath(f.Path) || f.Path == "." || !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return nil, failf("the path of an uploaded file is not one below the app's folder: %q", f.Path)
		}
	}
	var err error
	switch d.Kind {
	case "virtualenv":
		r.python, err = pythonOf(d.Configuration)
	case "container":
		if r.image, err = imageOf(d.Configuration); err == nil && !r.image.own {
			r.python, err = pythonOf(d.Configuration)
		}
	case "conda":
		err = failf("this control plane does not build conda environments: use the kind virtualenv, with the packages as requirements")
	case "":
		err = failf("the environment names no kind: it is virtualenv or container")
	default:
		err = failf("there is no kind of environment %q: it is virtualenv or container", d.Kind)
	}
	return r, err
}

func versionPattern() *regexp.Regexp { return regexp.MustCompile(`^\d+(\.\d+){0,2}$`) }

func pythonOf(c map[string]any) (*pythonRecipe, error) {
	p := &pythonRecipe{}
	var err error
	if p.version, err = text(c, "python_version"); err != nil {
		return nil, err
	}
	if p.version != "" && !versionPattern().MatchString(p.version) {
		return nil, failf("python_version: %q is not a version such as 3.11", p.version)
	}
	if p.indexes, err = texts(c, "extra_index_urls"); err != nil {
		return nil, err
	}
	if p.constraints, err = text(c, "constraints_file"); err != nil {
		return nil, err
	}
	if p.constraints != "" {
		return nil, failf("constraints_file: the file is not on this machine; put the constraints among the requirements")
	}
	if p.bytecode, err = flag(c, "compile_bytecode"); err != nil {
		return nil, err
	}
	resolver, err := text(c, "resolver")
	if err != nil {
		return nil, err
	}
	if resolver != "" && resolver != "uv" {
		return nil, failf("resolver: there is uv alone, not %q", resolver)
	}
	list, ok := c["requirements"].([]any)
	switch {
	case c["requirements"] == nil || ok && len(list) == 0:
		return p, nil
	case !ok:
		return nil, failf("requirements: a list of strings, or of lists of strings, was expected")
	}
	if _, nested := list[0].([]any); nested {
		for _, item := range list {
			layer, err := texts(map[string]any{"requirements": item}, "requirements")
			if err != nil {
				return nil, err
			}
			p.layers = append(p.layers, layer)
		}
		return p, p.check()
	}
	layer, err := texts(c, "requirements")
	if err != nil {
		return nil, err
	}
	p.layers = [][]string{layer}
	return p, p.check()
}

// check refuses what is not one line of a requirements file.
func (p *pythonRecipe) check() error {
	for _, layer := range p.layers {
		for _, requirement := range layer {
			if strings.TrimSpace(requirement) == "" || strings.ContainsAny(requirement, "\r\n\x00") {
				return failf("requirements: %q is not one requirement", redact(requirement))
			}
		}
	}
	return nil
}

func imageOf(c map[string]any) (*imageRecipe, error) {
	image, ok := c["image"].(map[string]any)
	if !ok {
		return nil, failf("image: a table with image or dockerfile_str was expected")
	}
	r := &imageRecipe{arguments: make(map[string]string)}
	var err error
	if r.reference, err = text(image, "image"); err != nil {
		return nil, err
	}
	if r.dockerfile, err = text(image, "dockerfile_str"); err != nil {
		return nil, err
	}
	if (r.reference == "") == (r.dockerfile == "") {
		return nil, failf("image: one of image and dockerfile_str was expected")
	}
	if arguments := image["build_args"]; arguments != nil {
		table, ok := arguments.(map[string]any)
		if !ok {
			return nil, failf("image.build_args: a table was expected")
		}
		for name := range table {
			if r.arguments[name], err = text(table, name); err != nil {
				return nil, err
			}
		}
	}
	if r.entrypoint, err = commandOf(image, "entrypoint"); err != nil {
		return nil, err
	}
	if r.cmd, err = commandOf(image, "cmd"); err != nil {
		return nil, err
	}
	isolate, given := image["use_isolate"].(bool)
	if !given && image["use_isolate"] != nil {
		return nil, failf("image.use_isolate: true or false was expected")
	}
	r.own = given && !isolate
	return r, nil
}

func commandOf(image map[string]any, key string) (*command, error) {
	switch value := image[key].(type) {
	case nil:
		return nil, nil
	case string:
		return &command{Shell: value}, nil
	}
	words, err := texts(image, key)
	if err != nil {
		return nil, failf("image.%s: a string or a list of strings was expected", key)
	}
	return &command{Exec: words}, nil
}

func text(table map[string]any, key string) (string, error) {
	switch value := table[key].(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	}
	return "", failf("%s: a string was expected", key)
}

func flag(table map[string]any, key string) (bool, error) {
	switch value := table[key].(type) {
	case nil:
		return false, nil
	case bool:
		return value, nil
	}
	return false, failf("%s: true or false was expected", key)
}

func texts(table map[string]any, key string) ([]string, error) {
	if table[key] == nil {
		return nil, nil
	}
	list, ok := table[key].([]any)
	if !ok {
		return nil, failf("%s: a list of strings was expected", key)
	}
	words := make([]string, len(list))
	for i, item := range list {
		if words[i], ok = item.(string); !ok {
			return nil, failf("%s: a list of strings was expected", key)
		}
	}
	return words, nil
}
