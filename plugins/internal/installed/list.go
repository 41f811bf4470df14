package installed

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listing is what is installed.
type Listing struct {
	// Plugins are sorted by name; those of one name are in the order in which
	// they are looked for.
	Plugins []Plugin
	// Warnings are about PATH, a sentence each without a final full stop.
	Warnings []string
}

// Plugin is a program in a folder of PATH or beside the dispatcher.
type Plugin struct {
	// Name is what follows fal- in the file's name, without extension.
	Name string
	// Path is the file, absolute.
	Path string
	// Version is known of this project's plugins only.
	Version string
	// Description is known of this project's plugins only: others must be asked.
	Description string
	// Own says that the file was built from this project.
	Own bool
	// Active says that `fal NAME` runs this file.
	Active bool
	// Warnings say what is wrong with it, a phrase each.
	Warnings []string
}

// List finds what is installed, by reading the folders of PATH and the
// dispatcher's own. Nothing is run: versions are read from the files. A plugin
// that several entries of PATH lead to is listed once. The error is that of
// ctx; folders that cannot be read are warnings.
func (f Finder) List(ctx context.Context) (Listing, error) {
	var listing Listing
	for _, refusal := range f.Path.Refused {
		listing.Warnings = append(listing.Warnings,
			"the entry "+strconv.Quote(refusal.Entry)+" of PATH is not used: it is "+refusal.Reason)
	}
	if shadow, shadowed := f.Shadowed(); shadowed {
		listing.Warnings = append(listing.Warnings, shadow.Message)
	}
	installed := map[string][]inspected{}
	err := f.Scan(ctx, func(folder, file, name string) {
		plugin, isPlugin := f.inspect(folder, file, name)
		if !isPlugin || slices.ContainsFunc(installed[name], plugin.same) {
			return
		}
		installed[name] = append(installed[name], plugin)
	}, func(folder string, err error) {
		listing.Warnings = append(listing.Warnings, "cannot read the folder "+Shown(folder)+" of PATH: "+reason(err))
	})
	if err != nil {
		return Listing{}, err
	}
	for _, plugins := range installed {
		listing.Plugins = append(listing.Plugins, f.judge(plugins)...)
	}
	slices.SortStableFunc(listing.Plugins, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	return listing, nil
}

// inspected is a plugin before it is compared with others of its name.
type inspected struct {
	Plugin
	info       fs.FileInfo
	executable bool
	// preferred is false when another extension is tried first.
	preferred bool
}

func (i inspected) same(other inspected) bool {
	return i.info != nil && other.info != nil && os.SameFile(i.info, other.info)
}

// inspect says what can be said of a file alone.
func (f Finder) inspect(folder, file, name string) (inspected, bool) {
	path := filepath.Join(folder, file)
	plugin := inspected{Plugin: Plugin{Name: strings.TrimPrefix(name, Prefix), Path: path}}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err != nil {
			// Removed since the folder was read.
			return inspected{}, false
		}
		plugin.warn("a link to a file that does not exist")
		return plugin, true
	case err != nil:
		plugin.warn("cannot be looked at: " + reason(err))
		return plugin, true
	case !info.Mode().IsRegular():
		return inspected{}, false
	}
	plugin.info = info
	program, exists := f.Path.Exact(folder, file)
	plugin.executable = exists && program.Executable
	preferred, exists := f.Path.In(folder, name)
	plugin.preferred = exists && os.SameFile(preferred.Info, info)
	if !plugin.executable {
		plugin.warn("not executable")
		return plugin, true
	}
	if problem := FileProblem(path); problem.Reason != "" {
		plugin.warn(problem.Reason)
	} else if command, missing := f.missingCommand(path); missing {
		plugin.warn("its interpreter " + Shown(command) + " is not on PATH")
	}
	if version, own := Version(path); own {
		noun, _ := FindNoun(plugin.Name)
		plugin.Own = true
		plugin.Version = version
		plugin.Description = noun.Description
	}
	return plugin, true
}

// judge compares the plugins of one name, which are in the order in which
// they are looked for.
func (f Finder) judge(plugins []inspected) []Plugin {
	hidden := f.hidden(plugins[0].Name)
	active := ""
	var judged []Plugin
	for _, plugin := range plugins {
		switch {
		case hidden != "":
			plugin.warn(hidden)
		case !plugin.executable:
		case active != "":
			plugin.warn("shadowed by " + Shown(active))
		case plugin.preferred:
			active = plugin.Path
			plugin.Active = true
			if taken, own := f.takes(plugin.Name); own {
				plugin.warn(taken)
			}
		}
		judged = append(judged, plugin.Plugin)
	}
	return judged
}

// hidden says why no word runs a plugin of this name, or "".
func (f Finder) hidden(name string) string {
	if !IsName(name) {
		return "no command runs it: its name is not a word"
	}
	if f.IsBuiltin(name) {
		return "hidden by the built-in command `fal " + name + "`"
	}
	noun, known := FindNoun(name)
	if !known || noun.Name == name {
		return ""
	}
	if _, found := f.Find([]string{noun.Name}); !found {
		return ""
	}
	return "hidden by `fal " + noun.Name + "`, of which `" + name + "` is an alias"
}

// takes says which command of another plugin this one answers.
func (f Finder) takes(name string) (warning string, taken bool) {
	first, _, several := strings.Cut(name, "-")
	noun, known := FindNoun(first)
	if !several || !known || noun.Name != first || noun.Package == "" {
		return "", false
	}
	return "answers `fal " + strings.ReplaceAll(name, "-", " ") + "` in place of " + Prefix + first, true
}

func (i *Plugin) warn(warning string) { i.Warnings = append(i.Warnings, warning) }

// batch is how many names are read at a time, between looks at the context.
const batch = 1000

// Scan reads the folders in the order in which they are searched, each once,
// and visits the files that have the name of a plugin. name is that of the
// file without a program's extension. The error is that of ctx.
func (f Finder) Scan(ctx context.Context, visit func(folder, file, name string), unreadable func(folder string, err error)) error {
	var read []fs.FileInfo
	for _, folder := range f.folders() {
		info, err := os.Stat(folder)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			continue
		}
		again := func(other fs.FileInfo) bool { return os.SameFile(info, other) }
		if err == nil {
			if slices.ContainsFunc(read, again) {
				continue
			}
			read = append(read, info)
		}
		files, err := pluginFiles(ctx, folder)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			unreadable(folder, err)
		}
		for _, file := range files {
			if name, isProgram := f.Path.Program(file); isProgram && len(name) > len(Prefix) {
				visit(folder, file, name)
			}
		}
	}
	return ctx.Err()
}

// pluginFiles returns the names in a folder that begin as a plugin's, sorted.
func pluginFiles(ctx context.Context, folder string) ([]string, error) {
	opened, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = opened.Close() }()
	var files []string
	for {
		names, err := opened.Readdirnames(batch)
		for _, name := range names {
			if strings.HasPrefix(name, Prefix) {
				files = append(files, name)
			}
		}
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			break
		}
		if err != nil {
			return files, err
		}
	}
	slices.Sort(files)
	return files, nil
}

// reason is an error without the path, which stands before it already.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
