package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fal-plugins/fal/plugins/account"
	"github.com/fal-plugins/fal/plugins/apps"
	"github.com/fal-plugins/fal/plugins/auth"
	"github.com/fal-plugins/fal/plugins/deploy"
	"github.com/fal-plugins/fal/plugins/dispatch"
	"github.com/fal-plugins/fal/plugins/doctor"
	"github.com/fal-plugins/fal/plugins/environments"
	"github.com/fal-plugins/fal/plugins/keys"
	"github.com/fal-plugins/fal/plugins/local"
	"github.com/fal-plugins/fal/plugins/profile"
	"github.com/fal-plugins/fal/plugins/runners"
	"github.com/fal-plugins/fal/plugins/secrets"
)

// pages returns all pages by their file names.
func pages(version, date string) (map[string][]byte, error) {
	day := ""
	if date != "" {
		t, err := time.Parse(time.RFC3339, date)
		if err != nil {
			return nil, fmt.Errorf("the date of the commit: %w", err)
		}
		day = t.UTC().Format(time.DateOnly)
	}
	all := map[string][]byte{}
	var names [][2]string
	for _, app := range list(runners.App(), apps.App(), deploy.App(), keys.App(), secrets.App(), environments.App(),
		auth.App(), account.App(), profile.App(), doctor.App(), local.App()) {
		names = append(names, [2]string{app.Name, app.Summary + "."})
		maps.Copy(all, app.ManPages(version, day))
	}
	maps.Copy(all, dispatch.App().ManPages(version, day, names...))
	return all, nil
}

// list is a slice of a type that this package may not name.
func list[T any](of ...T) []T { return of }

// mark begins every page that this program has written.
const mark = `.\" Written from the declarations of fal`

// write replaces the pages in a folder.
func write(folder string, pages map[string][]byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "fal*.1"))
	if err != nil {
		return err
	}
	for _, path := range old {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if pages[filepath.Base(path)] == nil && bytes.HasPrefix(content, []byte(mark)) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(folder, name), page, 0o644); err != nil {
			return err
		}
	}
	return nil
}
