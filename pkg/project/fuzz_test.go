package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/fal-plugins/fal/pkg/project"
)

// FuzzPyproject reads any file. Every app is found or has problems, each with a
// place inside the file, and the names are those that the TOML library sees.
func FuzzPyproject(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "golden", "project", "pyproject.toml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		string(golden), "", "[tool.fal]", "tool = 1", "tool.fal = 1", "[tool.fal]\napps = []", "[[tool.fal.apps]]\n[tool.fal.apps.x]",
		"[tool.fal.apps]\n'' = 1\n'a.b' = {}\n\"\\u0000\" = {}\n", "tool.fal.apps.a.image.image = 'x' # c\r\n",
		"[tool.fal.apps.a]\nrequirements = [['a'], [],\n # c\n 'b']\nretry_config.timeout.retries = -9223372036854775808\n",
		"[tool.fal.apps.a._scheduler_options]\nx = inf\ny = [[nan]]\nz = 1979-05-27T07:32:00Z\n", "\xef\xbb\xbf[tool.fal.apps.a]\nimage={image='x'}",
		"[tool.fal.apps.a]\nref='a.py'\n[tool.fal.apps.b]\nimage={dockerfile='pyproject.toml'}",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		plain := strings.TrimPrefix(text, "\xef\xbb\xbf")
		var file map[string]any
		parseErr := toml.Unmarshal([]byte(plain), &file)
		names := project.Names(dir)
		lines := strings.Count(text, "\n") + 1

		targets, err := project.FindAll(project.Options{Dir: dir})
		check(t, err, lines)
		if parseErr != nil {
			if err == nil {
				t.Fatalf("found %d apps in what is not TOML: %v", len(targets), parseErr)
			}
			return
		}
		apps := appsOf(file)
		for name := range apps {
			if !slices.Contains(names, name) {
				t.Errorf("no name %q among %q", name, names)
			}
			_, err := project.Find(project.Options{Dir: dir, Ref: name})
			check(t, err, lines)
		}
		if len(names) != len(apps) {
			t.Errorf("%d names, want %d: %q", len(names), len(apps), names)
		}
		if err == nil && len(targets) != len(apps) {
			t.Errorf("%d targets, want %d", len(targets), len(apps))
		}
	})
}

func check(t *testing.T, err error, lines int) {
	t.Helper()
	if err == nil {
		return
	}
	var found project.Problems
	if !errors.As(err, &found) || len(found) == 0 {
		t.Fatalf("%T: %v", err, err)
	}
	for _, p := range found {
		if p.Message == "" || p.File == "pyproject.toml" && p.Line > lines {
			t.Errorf("%+v in a file of %d lines", p, lines)
		}
	}
}

func appsOf(file map[string]any) map[string]any {
	for _, key := range []string{"tool", "fal", "apps"} {
		below, ok := file[key].(map[string]any)
		if !ok {
			return nil
		}
		file = below
	}
	return file
}
