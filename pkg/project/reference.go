package project

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const separator = "::"

// splitReference takes "file.py::Name" apart. What has no separator and does
// not end in .py is the name of an app.
func splitReference(ref string) (file, symbol string, isFile bool) {
	if i := strings.Index(ref, separator); i > 0 {
		return ref[:i], ref[i+len(separator):], true
	}
	return ref, "", strings.HasSuffix(ref, ".py")
}

// Find finds the app of the reference. It reads files and runs nothing.
// Errors are [Problems].
func Find(o Options) (*Target, error) {
	dir, err := resolve(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	if o.Ref == "" {
		file, err := onlyFile(dir)
		if err != nil {
			return nil, err
		}
		return findFile(o, file, "")
	}
	if file, symbol, is := splitReference(o.Ref); is {
		if symbol == "" && strings.Contains(o.Ref, separator) {
			return nil, problem("write "+file+", or "+file+separator+"Name", "%q names no class after %s", o.Ref, separator)
		}
		return findFile(o, file, symbol)
	}
	return findApp(o)
}

// FindAll finds every app of the nearest pyproject.toml, in its order.
// Options.Ref has no meaning here. Errors are [Problems] of all apps.
func FindAll(o Options) ([]*Target, error) {
	dir, err := resolve(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	if err := refuseOverrides(o, "all apps"); err != nil {
		return nil, err
	}
	r, err := pyprojectRoot(o, "for a Python file write its name, as in app.py")
	if err != nil {
		return nil, err
	}
	names := r.pyproject.apps
	if len(names) == 0 {
		return nil, Problems{{File: r.pyproject.shown, Message: "there is no app in it", Hint: "an app is a table [tool.fal.apps.my-app]"}}
	}
	var targets []*Target
	var problems Problems
	for _, name := range names {
		o.Ref = name
		target, found := r.target(o, name)
		targets, problems = append(targets, target), append(problems, found...)
	}
	problems = append(problems, sameName(r.pyproject, targets)...)
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return targets, nil
}

// sameName are the problems of apps that are one for the account that they are
// deployed to: the last of them would be what is left.
func sameName(p *pyproject, targets []*Target) Problems {
	type deployed struct{ team, name string }
	var problems Problems
	first := map[deployed]string{}
	for _, target := range targets {
		as := deployed{target.Team, target.Name}
		path := append(appsPath(), target.Ref)
		other, taken := first[as]
		if !taken {
			first[as] = spell(path)
			continue
		}
		problem := Problem{
			File: p.shown, Key: spell(path), Hint: "give each app a name, or a team, of its own",
			Message: fmt.Sprintf("its name is %q, as that of %s: one would replace the other", target.Name, other),
		}
		place := p.at(append(path, "name")...)
		problem.Line, problem.Column = place.line, place.column
		problems = append(problems, problem)
	}
	return problems
}

// onlyFile is the one Python file of dir.
func onlyFile(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", problem("", "the folder %s cannot be read: %v", dir, fault(err))
	}
	var files []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".py") && isFile(filepath.Join(dir, entry.Name())) {
			files = append(files, entry.Name())
		}
	}
	if len(files) == 1 {
		return files[0], nil
	}
	hint := "name the file to deploy, as in app.py"
	if len(files) > 1 {
		hint = "name the file to deploy: " + few(files)
	}
	if apps := Names(dir); len(apps) > 0 {
		hint += ", or an app of " + pyprojectName + ": " + few(apps)
	}
	if len(files) > 1 {
		return "", problem(hint, "there are %d Python files here, and no reference says which", len(files))
	}
	return "", problem(hint, "there is no Python file here, and no reference")
}

// few lists the first of words.
func few(words []string) string {
	const most = 8
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
	}
	return strings.Join(words, ", ")
}

func findFile(o Options, file, symbol string) (*Target, error) {
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(o.Dir, file)
	}
	t := &Target{Ref: o.Ref, Name: o.AppName, DisplayName: symbol, Kind: PythonFile, File: path, Symbol: symbol, options: o}
	if t.DisplayName == "" {
		t.DisplayName = file
	}
	if why := notFile(path); why != "" {
		return nil, problem(insteadOf(o, file), "%s: %s", file, why)
	}
	r, err := findRoot(filepath.Dir(path), o.Dir)
	if err != nil {
		// The file does not need it, so that it is no reason to stop.
		t.Notices = append(t.Notices, err.Error())
	}
	t.Root = r.dir
	return t, nil
}

// notFile says why there is no file at path; "" if there is one.
func notFile(path string) string {
	switch info, err := os.Stat(path); {
	case os.IsNotExist(err):
		return "no such file"
	case err != nil:
		return "cannot be read: " + fault(err).Error()
	case info.IsDir():
		return "is a folder, not a file"
	case !info.Mode().IsRegular():
		return "is not a regular file"
	}
	return ""
}

// insteadOf is the hint for a file that is not there.
func insteadOf(o Options, file string) string {
	entries, err := os.ReadDir(filepath.Dir(filepath.Join(o.Dir, file)))
	if err != nil {
		return ""
	}
	var names []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".py") {
			names = append(names, entry.Name())
		}
	}
	if near := nearest(filepath.Base(file), names); near != "" && near != filepath.Base(file) {
		return "did you mean " + filepath.Join(filepath.Dir(file), near) + "?"
	}
	if name := strings.TrimSuffix(file, ".py"); slices.Contains(Names(o.Dir), name) {
		return "for the app of " + pyprojectName + " write " + name
	}
	return ""
}

func findApp(o Options) (*Target, error) {
	if at, is := o.folderMeant(); is && strings.ContainsAny(o.Ref, `./`+string(filepath.Separator)) && !slices.Contains(Names(o.Dir), o.Ref) {
		return nil, problem(o.inFolder(at), "%s is no app's name: the apps of a folder are deployed by theirs", o.Ref)
	}
	hint := ""
	if at, is := o.folderMeant(); is && isFile(filepath.Join(at, pyprojectName)) {
		hint = o.inFolder(at)
	}
	if isFile(filepath.Join(o.Dir, o.Ref+".py")) {
		hint = "for the Python file write " + o.Ref + ".py"
	}
	r, err := pyprojectRoot(o, hint)
	if err != nil {
		return nil, err
	}
	if err := refuseOverrides(o, "the app "+o.Ref); err != nil {
		return nil, err
	}
	if !slices.Contains(r.pyproject.apps, o.Ref) {
		if near := nearest(o.Ref, r.pyproject.apps); hint == "" && near != "" {
			hint = "did you mean " + near + "?"
		} else if hint == "" && len(r.pyproject.apps) > 0 {
			hint = "the apps there are " + few(r.pyproject.apps)
		} else if hint == "" {
			hint = "an app is a table [" + spell(append(appsPath(), o.Ref)) + "]; for a Python file write its name with .py"
		}
		return nil, Problems{{File: r.pyproject.shown, Message: fmt.Sprintf("there is no app %q in it", o.Ref), Hint: hint}}
	}
	target, problems := r.target(o, o.Ref)
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	return target, nil
}

// refuseOverrides refuses what only a Python file takes.
func refuseOverrides(o Options, what string) error {
	if o.AppName == "" && o.AuthMode == nil {
		return nil
	}
	return problem("write them as name and auth in the app's table", "--app-name and --auth are for Python files: %s of %s cannot take them", what, pyprojectName)
}

// pyprojectRoot is the root, which must have a pyproject.toml.
func pyprojectRoot(o Options, hint string) (root, error) {
	r, err := findRoot(o.Dir, o.Dir)
	if err != nil {
		return r, err
	}
	if r.pyproject == nil {
		if hint == "" {
			hint = "an app's name stands for a table [tool.fal.apps.NAME] of it; for a Python file write its name with .py"
		}
		return r, problem(hint, "no %s with [tool.fal] here or in a folder above", pyprojectName)
	}
	if problems := r.pyproject.noApps(); len(problems) > 0 {
		return r, problems
	}
	return r, nil
}
