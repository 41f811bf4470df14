//go:build unix

package shellcompletion_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/internal/shellcompletion"
)

func place(t *testing.T, shell, home, goos string, variables ...string) shellcompletion.Place {
	t.Helper()
	p, err := shellcompletion.For(shell, shellcompletion.User{Home: home, OS: goos, Getenv: func(name string) string {
		for _, v := range variables {
			if value, is := strings.CutPrefix(v, name+"="); is {
				return value
			}
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// files are the contents below a folder, by path, and the folders.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(dir, path)
		if entry.IsDir() {
			found[relative+"/"] = ""
			return nil
		}
		content, err := os.ReadFile(path)
		found[relative] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func scripts(programs ...string) []shellcompletion.Script {
	var all []shellcompletion.Script
	for _, p := range programs {
		all = append(all, shellcompletion.Script{Program: p, Text: "complete " + p + "\n"})
	}
	return all
}

func actions(changes []shellcompletion.Change, home string) string {
	var all []string
	for _, c := range changes {
		relative, _ := filepath.Rel(home, c.Path)
		all = append(all, c.Action+" "+relative)
	}
	return strings.Join(all, ", ")
}

func TestInstallAndUninstall(t *testing.T) {
	for _, test := range []struct {
		shell, goos, variable string
		before                map[string]string
		install, uninstall    string
	}{
		{"bash", "linux", "", nil,
			"write .local/share/fal/completion.bash, add .bashrc",
			"remove .local/share/fal/completion.bash, remove .bashrc"},
		{"bash", "linux", "XDG_DATA_HOME=HOME/it's", map[string]string{".bashrc": "PS1=x\n"},
			"write it's/fal/completion.bash, add .bashrc",
			"remove it's/fal/completion.bash, take out .bashrc"},
		{"bash", "darwin", "", map[string]string{".bashrc": "", ".profile": "x=1\n"},
			"write .local/share/fal/completion.bash, add .profile",
			"remove .local/share/fal/completion.bash, take out .profile"},
		{"zsh", "linux", "ZDOTDIR=HOME/z", map[string]string{"z/.zshrc": "", "other": "x"},
			"write .local/share/fal/completion.zsh, add z/.zshrc",
			"remove .local/share/fal/completion.zsh, take out z/.zshrc"},
		{"fish", "linux", "XDG_CONFIG_HOME=relative", map[string]string{".config/fish/completions/git.fish": "x"},
			"write .config/fish/completions/fal-runners.fish, write .config/fish/completions/fal.fish",
			"remove .config/fish/completions/fal-runners.fish, remove .config/fish/completions/fal.fish"},
	} {
		home := t.TempDir()
		for name, content := range test.before {
			path := filepath.Join(home, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o640)); err != nil {
				t.Fatal(err)
			}
		}
		p := place(t, test.shell, home, test.goos, strings.ReplaceAll(test.variable, "HOME/", home+"/"))
		before := files(t, home)
		if p.Installed() {
			t.Errorf("%s: installed before", test.shell)
		}
		changes, err := p.Install(scripts("fal", "fal-runners"), true)
		if got := actions(changes, home); got != test.install || err != nil {
			t.Errorf("%s: would %s, %v", test.shell, got, err)
		}
		if diff := cmp.Diff(before, files(t, home)); diff != "" {
			t.Errorf("%s: a dry run changes\n%s", test.shell, diff)
		}
		changes, err = p.Install(scripts("fal", "fal-runners"), false)
		if got := actions(changes, home); got != test.install || err != nil {
			t.Errorf("%s: %s, %v; want %s", test.shell, got, err, test.install)
		}
		after := files(t, home)
		if !p.Installed() || !strings.Contains(strings.Join(values(after), ""), "complete fal-runners\n") {
			t.Errorf("%s: not installed: %q", test.shell, after)
		}
		changes, err = p.Install(scripts("fal", "fal-runners"), false)
		if got := actions(changes, home); err != nil || strings.Count(got, "keep ") != len(changes) {
			t.Errorf("%s: again %s, %v", test.shell, got, err)
		}
		if diff := cmp.Diff(after, files(t, home)); diff != "" {
			t.Errorf("%s: again changes\n%s", test.shell, diff)
		}
		changes, err = p.Uninstall(false)
		if got := actions(changes, home); got != test.uninstall || err != nil {
			t.Errorf("%s: %s, %v; want %s", test.shell, got, err, test.uninstall)
		}
		if diff := cmp.Diff(before, files(t, home)); diff != "" {
			t.Errorf("%s: uninstall leaves\n%s", test.shell, diff)
		}
		if changes, err = p.Uninstall(false); len(changes) > 0 || err != nil {
			t.Errorf("%s: uninstall again: %v, %v", test.shell, changes, err)
		}
	}
}

func values(m map[string]string) []string {
	var all []string
	for v := range maps.Values(m) {
		all = append(all, v)
	}
	return all
}

// What the user has written around the lines stays, and so do mode and link.
func TestInstallKeepsWhatIsAround(t *testing.T) {
	home := t.TempDir()
	target, rc := filepath.Join(home, "dotfiles"), filepath.Join(home, ".bashrc")
	if err := errors.Join(os.WriteFile(target, []byte("a"), 0o600), os.Symlink(target, rc)); err != nil {
		t.Fatal(err)
	}
	p := place(t, "bash", home, "linux")
	if _, err := p.Install(scripts("fal"), false); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, append(content, "b\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if changes, err := p.Install(scripts("fal", "fal-apps"), false); err != nil || actions(changes, home) != "write .local/share/fal/completion.bash, keep .bashrc" {
		t.Errorf("an update: %v, %v", changes, err)
	}
	if _, err := p.Uninstall(false); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(target); err != nil || string(content) != "a\nb\n" {
		t.Errorf("left %q, %v", content, err)
	}
	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if to, err := os.Readlink(rc); err != nil || to != target {
		t.Errorf("no link any more: %v", err)
	}
}

func TestInstallLeavesWhatIsNotOurs(t *testing.T) {
	for name, test := range map[string][2]string{
		"fish":  {"fish", ".config/fish/completions/fal.fish"},
		"bash":  {"bash", ".local/share/fal/completion.bash"},
		"begin": {"bash", ".bashrc"},
		"end":   {"zsh", ".zshrc"},
	} {
		content := map[string]string{"begin": "# >>> fal completion >>>\nx\n", "end": "x\n# <<< fal completion <<<"}[name]
		home := t.TempDir()
		path := filepath.Join(home, test[1])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
		before := files(t, home)
		p := place(t, test[0], home, "linux")
		if changes, err := p.Install(scripts("fal"), false); err == nil {
			t.Errorf("%s: %v", name, changes)
		}
		if diff := cmp.Diff(before, files(t, home)); diff != "" {
			t.Errorf("%s: changed\n%s", name, diff)
		}
	}
}

// Scripts of programs that are gone go.
func TestInstallRemovesOld(t *testing.T) {
	home := t.TempDir()
	p := place(t, "fish", home, "linux")
	if _, err := p.Install(scripts("fal", "fal-apps"), false); err != nil {
		t.Fatal(err)
	}
	changes, err := p.Install(scripts("fal"), false)
	want := "remove .config/fish/completions/fal-apps.fish, keep .config/fish/completions/fal.fish"
	if got := actions(changes, home); got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestDetect(t *testing.T) {
	for value, want := range map[string]bool{"/bin/bash": true, "/usr/bin/zsh": true, "fish": true, "/bin/tcsh": false, "": false} {
		if shell, known := shellcompletion.Detect(func(string) string { return value }); known != want {
			t.Errorf("%q is %s, %t", value, shell, known)
		}
	}
	if _, err := shellcompletion.For("tcsh", shellcompletion.User{Home: "/x", Getenv: func(string) string { return "" }}); err == nil {
		t.Error("tcsh has a place")
	}
	if _, err := shellcompletion.For("bash", shellcompletion.User{Getenv: func(string) string { return "" }}); err == nil {
		t.Error("nobody has a place")
	}
}

// What was there before is there again, byte by byte, and no folder more.
func TestUninstallLeavesWhatWasThere(t *testing.T) {
	for name, before := range map[string]map[string]string{
		"nothing":          nil,
		"no end":           {".bashrc": "PS1=x", ".zshrc": "PS1=x"},
		"ends":             {".bashrc": "PS1=x\n", ".zshrc": "\n\nPS1=x\n\n"},
		"empty":            {".bashrc": "", ".zshrc": ""},
		"folders":          {".local/share/fal/": "", ".config/fish/": ""},
		"other files":      {".local/share/other": "x", ".config/fish/completions/mine.fish": "x"},
		"blank and no end": {".bashrc": "a\n\n  ", ".zshrc": "\r"},
	} {
		for _, shells := range [][]string{{"bash"}, {"zsh"}, {"fish"}, {"bash", "zsh", "fish"}} {
			home := t.TempDir()
			for name, content := range before {
				path := filepath.Join(home, name)
				if strings.HasSuffix(name, "/") {
					if err := os.MkdirAll(path, 0o755); err != nil {
						t.Fatal(err)
					}
				} else if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			was := files(t, home)
			zdot := "ZDOTDIR=" + home
			if before == nil {
				zdot += "/of/zsh"
			}
			for range 2 {
				for _, shell := range shells {
					if _, err := place(t, shell, home, "linux", zdot).Install(scripts("fal", "fal-apps"), false); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, shell := range shells {
				if _, err := place(t, shell, home, "linux", zdot).Uninstall(false); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(was, files(t, home)); diff != "" {
				t.Errorf("%s, %s: left\n%s", name, shells, diff)
			}
		}
	}
}

// The packaged script of bash is nothing without bash-completion.
func TestSystem(t *testing.T) {
	root := t.TempDir()
	add := func(name string) {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(shell, below string) {
		t.Helper()
		if below != "" {
			below = filepath.Join(root, below)
		}
		if path, found := shellcompletion.SystemBelow(root, shell); path != below || found != (below != "") {
			t.Errorf("%s: %q, %t, want %q", shell, path, found, below)
		}
	}
	want("zsh", "")
	add("usr/share/bash-completion/completions/fal")
	add("usr/share/zsh/vendor-completions/_fal")
	add("usr/local/share/fish/vendor_completions.d/fal.fish")
	want("bash", "")
	want("zsh", "usr/share/zsh/vendor-completions/_fal")
	want("fish", "usr/local/share/fish/vendor_completions.d/fal.fish")
	add("usr/share/bash-completion/bash_completion")
	want("bash", "usr/share/bash-completion/completions/fal")
}

// What became a link since is the user's.
func TestUninstallKeepsLinks(t *testing.T) {
	home := t.TempDir()
	run := func(change func(place shellcompletion.Place) error) {
		t.Helper()
		for _, shell := range []string{"fish", "zsh"} {
			if err := change(place(t, shell, home, "linux")); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(func(p shellcompletion.Place) error { _, err := p.Install(scripts("fal"), false); return err })
	if err := os.Mkdir(filepath.Join(home, "dot"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, kept := range map[string]string{".config/fish": "dot/fish", ".zshrc": "dot/zshrc"} {
		err := errors.Join(os.Rename(filepath.Join(home, name), filepath.Join(home, kept)), os.Symlink(filepath.Join(home, kept), filepath.Join(home, name)))
		if err != nil {
			t.Fatal(err)
		}
	}
	run(func(p shellcompletion.Place) error { _, err := p.Uninstall(false); return err })
	for _, name := range []string{".config/fish", ".zshrc"} {
		if _, err := os.Readlink(filepath.Join(home, name)); err != nil {
			t.Error(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(home, "dot/zshrc")); err != nil || len(text) > 0 {
		t.Errorf("left: %s, %v", text, err)
	}
}
