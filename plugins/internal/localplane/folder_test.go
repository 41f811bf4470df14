package localplane

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	plane := filepath.Join(t.TempDir(), "plane")
	if err := os.MkdirAll(filepath.Join(plane, LoginFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), LoginFolder) // a folder that happens to have the name
	if err := os.WriteFile(filepath.Join(plane, MarkerName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"":                 filepath.Join(home, ".fal", "local"),
		"~":                filepath.Join(home, "local"),
		"~/x":              filepath.Join(home, "x", "local"),
		plane:              filepath.Join(plane, "local"),
		other:              filepath.Join(other, "local"),
		plane + "/login":   plane,
		plane + "/login//": plane,
	} {
		got, err := Folder(func(string) string { return dir })
		if err != nil || got != want {
			t.Errorf("FAL_HOME_DIR=%s: %s, %v, want %s", dir, got, err, want)
		}
	}
}
