//go:build unix

package keys

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSaveProfileReadOnlyFolder(t *testing.T) {
	tm := newTerm(t)
	chmod(t, filepath.Dir(tm.Config), 0o500, 0o700)
	r := tm.Run("create", "--save-profile", "ci")
	if r.Code != 2 || r.Out != "" {
		t.Errorf("%+v", r)
	}
	tm.WantRequests()
}

func TestSaveProfileThroughLinks(t *testing.T) {
	tm := newTerm(t)
	dotfiles := t.TempDir()
	target := filepath.Join(dotfiles, "fal.toml")
	if err := os.Symlink(target, tm.Config); err != nil {
		t.Fatal(err)
	}
	tm.Want(tm.Run("create", "--save-profile", "ci"), 0, saved, "notice: profile ci leads to ")
	if info, err := os.Lstat(tm.Config); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	// What counts is where the link leads to.
	chmod(t, target, 0o400, 0o600)
	tm.Want(tm.Run("create", "--save-profile", "ci", "--force"), 2, "", "it is read-only")
	chmod(t, target, 0o600, 0o600)
	chmod(t, dotfiles, 0o500, 0o700)
	tm.Want(tm.Run("create", "--save-profile", "ci", "--force"), 2, "", "its folder is read-only")
	if left, err := filepath.Glob(filepath.Join(dotfiles, ".config*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
