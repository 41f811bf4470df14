// Package shellcompletion puts completion scripts where a shell of the user
// finds them, and takes them out again.
//
//	place, err := shellcompletion.For("bash", shellcompletion.User{Home: home, Getenv: os.Getenv, OS: runtime.GOOS})
//	changes, err := place.Install(scripts, false)
//	installed := place.Installed()
//
// fish reads a file for each program from a folder of its own. bash and zsh
// look into folders only where more is set up than can be relied on
// (bash-completion; a line in .zshrc before compinit), so that they get one
// file, and a few lines between markers in the file that they read at their
// start.
//
// What is guaranteed: nothing but these lines is changed in a file of the user,
// which is replaced as a whole and keeps its mode, through links; to install
// twice changes nothing the second time; what Uninstall leaves is what was
// there before, byte by byte and without the folders that were made; a file in the place of ours that is not ours is not touched.
package shellcompletion

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// User is whose shell it is.
type User struct {
	// Home is the home folder, absolute.
	Home string
	// Getenv gives ZDOTDIR and the folders of XDG.
	Getenv func(string) string
	// OS is a name such as runtime.GOOS has.
	OS string
}

// Script is what completes a program.
type Script struct {
	Program string
	Text    string
}

// Place is where the completion of one shell goes.
type Place struct {
	shell string
	// folder has the scripts: all in the file `file`, or one for each program
	// when that is empty.
	folder, file string
	// startup has the lines that read the file; none for fish.
	startup string
}

// written is the first line of every file that is ours.
const written = "# Written by `fal completion install`; `fal completion uninstall` removes it.\n"

// Shells are the ones that there are places for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Detect returns the user's shell, as the variable SHELL has it. It is false
// for another one than those of Shells.
func Detect(getenv func(string) string) (shell string, known bool) {
	shell = filepath.Base(getenv("SHELL"))
	return shell, slices.Contains(Shells(), shell)
}

// For returns the place for a shell of a user.
func For(shell string, u User) (Place, error) {
	if !filepath.IsAbs(u.Home) {
		return Place{}, errors.New("no home folder is known: set HOME")
	}
	data := filepath.Join(xdg(u, "XDG_DATA_HOME", ".local/share"), "fal")
	switch shell {
	case "bash":
		return Place{shell: shell, folder: data, file: "completion.bash", startup: bashStartup(u)}, nil
	case "zsh":
		dir := u.Getenv("ZDOTDIR")
		if !filepath.IsAbs(dir) {
			dir = u.Home
		}
		return Place{shell: shell, folder: data, file: "completion.zsh", startup: filepath.Join(dir, ".zshrc")}, nil
	case "fish":
		return Place{shell: shell, folder: filepath.Join(xdg(u, "XDG_CONFIG_HOME", ".config"), "fish", "completions")}, nil
	}
	return Place{}, fmt.Errorf("no completion for the shell %q: there is %s", shell, strings.Join(Shells(), ", "))
}

func xdg(u User, variable, below string) string {
	if dir := u.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(u.Home, filepath.FromSlash(below))
}

// bashStartup is the file that an interactive bash reads. Terminals of macOS
// start login shells, which read the first of three others instead.
func bashStartup(u User) string {
	if u.OS == "darwin" {
		names := []string{".bash_profile", ".bash_login", ".profile"}
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(u.Home, name)); err == nil {
				return filepath.Join(u.Home, name)
			}
		}
		return filepath.Join(u.Home, names[0])
	}
	return filepath.Join(u.Home, ".bashrc")
}

// Change is what is done with a file.
type Change struct {
	Path string
	// Action is "write" or "remove" for a file of ours, "add" or "take out" for
	// the lines in a file of the user, and "keep" for what was as it should be.
	Action string
}

// change is a Change that can be made.
type change struct {
	Change
	make func() error
}

// Install puts scripts in their place, and says what it has done; with dryRun
// it only says so. Scripts of programs that are gone are removed. When an error
// is about a file in our place that is not ours, nothing was done.
func (p Place) Install(scripts []Script, dryRun bool) ([]Change, error) {
	wanted := map[string]string{}
	head := written + madeLine(p.levels())
	all := head
	for _, s := range scripts {
		if p.file != "" {
			all += "\n" + s.Text
			wanted[p.file] = all
		} else {
			wanted[s.Program+".fish"] = head + s.Text
		}
	}
	return p.change(wanted, p.lines(), dryRun)
}

// Uninstall takes out what Install has put there.
func (p Place) Uninstall(dryRun bool) ([]Change, error) { return p.change(nil, "", dryRun) }

func (p Place) change(wanted map[string]string, lines string, dryRun bool) ([]Change, error) {
	levels := p.levels()
	changes, err := p.scripts(wanted)
	if err != nil {
		return nil, err
	}
	if p.startup != "" {
		edit, err := p.edit(lines)
		if err != nil {
			return nil, err
		}
		if edit.Action != "" {
			changes = append(changes, edit)
		}
	}
	var done []Change
	for _, c := range changes {
		if c.make != nil && !dryRun {
			if err := c.make(); err != nil {
				return done, err
			}
		}
		done = append(done, c.Change)
	}
	if len(wanted) == 0 && len(done) > 0 && !dryRun {
		removeEmpty(p.folder, levels)
	}
	return done, nil
}

// scripts are the changes after which the folder has the wanted files of ours
// and no others.
func (p Place) scripts(wanted map[string]string) ([]change, error) {
	names := make([]string, 0, len(wanted))
	for name := range wanted {
		names = append(names, name)
	}
	for _, name := range p.present() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changes []change
	for _, name := range names {
		path := filepath.Join(p.folder, name)
		text, wants := wanted[name]
		has, err := os.ReadFile(path)
		missing := errors.Is(err, fs.ErrNotExist)
		switch {
		case err != nil && !missing:
			return nil, err
		case !missing && !strings.HasPrefix(string(has), written):
			if wants {
				return nil, &ForeignError{Path: path}
			}
		case !wants:
			changes = append(changes, change{Change{path, "remove"}, func() error { return os.Remove(path) }})
		case string(has) == text:
			changes = append(changes, change{Change{path, "keep"}, nil})
		default:
			changes = append(changes, change{Change{path, "write"}, func() error { return replace(path, text) }})
		}
	}
	return changes, nil
}

// ForeignError is a file in the place of ours that something else has put
// there.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string {
	return e.Path + " is there already, and was not written by `fal completion install`"
}

// present are the names that files of ours may have and that are there.
func (p Place) present() []string {
	if p.file != "" {
		if _, err := os.Lstat(filepath.Join(p.folder, p.file)); err != nil {
			return nil
		}
		return []string{p.file}
	}
	var names []string
	listed, _ := os.ReadDir(p.folder) // what is not there has none
	for _, entry := range listed {
		if name := entry.Name(); name == "fal.fish" || strings.HasPrefix(name, "fal-") && strings.HasSuffix(name, ".fish") {
			names = append(names, name)
		}
	}
	return names
}

// Installed says whether the shell finds what Install has written, whichever
// version of the programs that was.
func (p Place) Installed() bool {
	if p.file == "" {
		return slices.Contains(p.present(), "fal.fish")
	}
	text, err := os.ReadFile(p.startup)
	if err != nil || len(p.present()) == 0 {
		return false
	}
	_, _, found, err := block(string(text))
	return found && err == nil
}

// Script is the file that a shell which is already running can read; "" for
// fish, which finds its files at once.
func (p Place) Script() string {
	if p.file == "" {
		return ""
	}
	return filepath.Join(p.folder, p.file)
}

// System is the script of fal that a package of the system has installed for a
// shell that reads it: for bash, where bash-completion is installed too.
func System(shell string) (path string, found bool) { return systemBelow("/", shell) }

func systemBelow(root, shell string) (path string, found bool) {
	below := map[string][]string{
		"bash": {"bash-completion/completions/fal"},
		"zsh":  {"zsh/vendor-completions/_fal", "zsh/site-functions/_fal"},
		"fish": {"fish/vendor_completions.d/fal.fish"},
	}[shell]
	if _, loader := firstFile(root, "bash-completion/bash_completion"); shell == "bash" && !loader {
		return "", false
	}
	return firstFile(root, below...)
}

// firstFile finds the first of the names in the folders of data that systems
// have.
func firstFile(root string, names ...string) (path string, found bool) {
	for _, prefix := range []string{"usr/share", "usr/local/share", "opt/homebrew/share"} {
		for _, name := range names {
			path := filepath.Join(root, filepath.FromSlash(prefix), filepath.FromSlash(name))
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, true
			}
		}
	}
	return "", false
}
