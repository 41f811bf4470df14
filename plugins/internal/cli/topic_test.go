package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every variable that the sources name is on the page of variables, but for
// those that programs of the suite set for each other or for apps.
func TestEnvironmentTopicIsComplete(t *testing.T) {
	page := topics(&App{}, "")["environment"]
	var shown []string
	for _, s := range page.sections {
		for _, r := range s.Rows {
			shown = append(shown, strings.Split(r[0], ", ")...)
		}
	}
	own := map[string]string{
		"FAL_INVOKED_AS":    "how a program was called",
		"FAL_HANDED_OVER":   "keeps a command from going in circles",
		"FAL_APP_NAME":      "of a runner",
		"FAL_RUNNER_ID":     "of a runner",
		"FAL_REVISION":      "of a runner",
		"FAL_MACHINE_TYPE":  "of a runner",
		"FAL_LOCAL_PROCESS": "of a runner",
		"FAL_LOCAL_REPORTS": "between the processes of a runner",
		"FAL_LOCAL_INPUT":   "between the processes of a runner",
	}
	name := regexp.MustCompile("[\"`](FAL_[A-Z0-9_]*[A-Z0-9]|ISOLATE_[A-Z0-9_]*[A-Z0-9])[\"`=]")
	read := map[string]string{}
	root := filepath.Join("..", "..", "..")
	for _, folder := range []string{"pkg", "plugins", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || path == filepath.Join(root, "cmd", "internal")):
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			text, err := os.ReadFile(path)
			for _, m := range name.FindAllStringSubmatch(string(text), -1) {
				read[m[1]] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(read) < 20 {
		t.Fatalf("found %v", read)
	}
	for variable, path := range read {
		if own[variable] == "" && !slices.Contains(shown, variable) {
			t.Errorf("%s, as %s has it, is not on the page", variable, path)
		}
	}
	for _, variable := range shown {
		if strings.HasPrefix(variable, "FAL_") && read[variable] == "" {
			t.Errorf("%s is on the page, and in no source", variable)
		}
	}
}
