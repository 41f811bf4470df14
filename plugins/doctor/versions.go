package doctor

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
	"github.com/fal-plugins/fal/plugins/internal/version"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// checkVersion compares the versions of this project's programs. They are read
// from the files.
func (p *patient) checkVersion(context.Context) finding {
	listing, err := p.list()
	if err != nil {
		return failed(err.Error(), "")
	}
	mine := version.Get(p.inv.App.Name).Version
	plugins, others := 0, []string{}
	differs := func(path, version string) {
		if version = cmp.Or(version, "devel"); version != mine {
			others = append(others, fmt.Sprintf("%s is %s", shown(path), version))
		}
	}
	dispatcher, found := p.dispatcher()
	if found {
		v, _ := installed.Version(dispatcher)
		differs(dispatcher, v)
	}
	for _, plugin := range listing.Plugins {
		if plugin.Own && plugin.Active {
			plugins++
			differs(plugin.Path, plugin.Version)
		}
	}
	if len(others) > 0 {
		return warning("this is "+mine+"\n"+strings.Join(others, "\n"), "install all of them from one version")
	}
	if !found {
		return warning(fmt.Sprintf("%s in %s", mine, view.Count(plugins, "plugin")), "install the program fal as well, to call the plugins as `fal NAME`")
	}
	return ok(fmt.Sprintf("%s in fal and %s", mine, view.Count(plugins, "plugin")))
}

// dispatcher is the program fal of this project that is first on PATH, or
// that is beside this one.
func (p *patient) dispatcher() (path string, found bool) {
	folders := p.finder.Path
	if own := searchpath.FolderOf(p.self); own != "" {
		folders = folders.With(own)
	}
	for _, folder := range folders.Folders {
		if file, exists := folders.In(folder, "fal"); exists && file.Executable {
			if _, own := installed.Version(file.Path); own {
				return file.Path, true
			}
		}
	}
	return "", false
}

// officialClient is the official client, as the files beside it tell.
type officialClient struct {
	path                     string
	version, isolate, python string // "" when they do not tell
}

func (p *patient) checkClient(context.Context) finding {
	client, found := p.client()
	switch {
	case !found:
		return skipped("the official client is not on PATH")
	case client.version == "":
		return ok("the official client is " + shown(client.path) + "; its version is not recorded beside it")
	}
	return ok("the official client is " + client.version + ", " + shown(client.path))
}

// client finds the official client on PATH: a fal that is not of this project.
func (p *patient) client() (officialClient, bool) {
	for _, folder := range p.finder.Path.Folders {
		file, found := p.finder.Path.In(folder, "fal")
		if !found || !file.Executable {
			continue
		}
		if _, own := installed.Version(file.Path); own {
			continue
		}
		client := officialClient{path: file.Path}
		client.read()
		return client, true
	}
	return officialClient{}, false
}

// read looks into the Python environment that the program is installed in:
// that of its folder, or of its interpreter. Nothing is run, since to start
// Python takes long.
func (c *officialClient) read() {
	homes := []string{filepath.Dir(searchpath.FolderOf(c.path))}
	if interpreter := installed.Interpreter(c.path); interpreter != "" {
		homes = append(homes, filepath.Dir(filepath.Dir(interpreter)))
	}
	for _, home := range homes {
		for _, pattern := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages", "Lib/site-packages"} {
			folders, _ := filepath.Glob(filepath.Join(home, pattern)) // the pattern is well formed, but for odd folders
			for _, folder := range folders {
				if c.version = recorded(folder, "fal"); c.version == "" {
					continue
				}
				c.isolate = recorded(folder, "isolate")
				c.python = cmp.Or(pythonOf(home), strings.TrimPrefix(filepath.Base(filepath.Dir(folder)), "python"))
				if strings.EqualFold(c.python, "lib") {
					c.python = ""
				}
				return
			}
		}
	}
}

// recorded is the version of a Python package that is installed in a folder.
func recorded(folder, name string) string {
	found, _ := filepath.Glob(filepath.Join(folder, name+"-*.dist-info"))
	slices.Sort(found)
	for _, path := range found {
		file, err := os.Open(filepath.Join(path, "METADATA"))
		if err != nil {
			continue
		}
		version := header(file, "Version: ")
		_ = file.Close() // nothing was written
		if version != "" {
			return version
		}
	}
	return ""
}

// pythonOf is the version of Python in a virtual environment.
func pythonOf(home string) string {
	file, err := os.Open(filepath.Join(home, "pyvenv.cfg"))
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // nothing was written
	return cmp.Or(header(file, "version = "), "")
}

// header is the rest of the first line that begins so, among the first hundred.
func header(file *os.File, prefix string) string {
	lines := bufio.NewScanner(file)
	for range 100 {
		if !lines.Scan() {
			return ""
		}
		if value, is := strings.CutPrefix(lines.Text(), prefix); is {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// checkPlugins says what is wrong with the programs on PATH.
func (p *patient) checkPlugins(context.Context) finding {
	listing, err := p.list()
	if err != nil {
		return failed(err.Error(), "")
	}
	problems := slices.Clone(listing.Warnings)
	var hints []string
	if shadow, shadowed := p.finder.Shadowed(); shadowed {
		hints = append(hints, shadow.PathLine)
	}
	if self := searchpath.FolderOf(p.self); self != "" {
		if _, found := p.finder.Path.Find("fal"); !found {
			problems = append(problems, shown(self)+" is not on PATH")
			hints = append(hints, "export PATH="+cli.Quote(self)+`:"$PATH"`)
		}
	}
	for _, plugin := range listing.Plugins {
		for _, w := range plugin.Warnings {
			problems = append(problems, shown(plugin.Path)+": "+w)
		}
		if len(plugin.Warnings) > 0 {
			hints = append(hints, mendPlugin(plugin)...)
		}
	}
	count := fmt.Sprintf("%d on PATH and beside this program", len(listing.Plugins))
	if len(problems) == 0 {
		return ok(count)
	}
	return warning(count+"\n"+strings.Join(problems, "\n"), strings.Join(hints, "\n"))
}

// mendPlugin says what to do about a plugin with problems, each in a line that
// names it.
func mendPlugin(plugin installed.Plugin) []string {
	path := cli.Quote(plugin.Path)
	if slices.Contains(plugin.Warnings, "not executable") {
		return []string{"chmod +x " + path}
	}
	remove := "`rm " + path + "`, if it is of no use"
	problem := installed.FileProblem(plugin.Path)
	if problem.Reason == "" {
		return []string{remove}
	}
	var hints []string
	for _, h := range problem.Hints {
		hints = append(hints, shown(plugin.Path)+": "+h)
	}
	return append(hints, remove)
}
