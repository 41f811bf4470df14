package deploy

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// completeRef completes what is deployed: an app of the pyproject.toml, a Python
// file, and behind `::`, or a whole file name, what is in the file. The only file
// that a word can become is as good as a whole name when it holds several: alone
// it would be refused.
func (o *options) completeRef(ctx context.Context, c *cli.Completion) []cli.Candidate {
	dir, err := o.dir()
	if err != nil {
		return nil
	}
	file, _, inFile := strings.Cut(c.Word, "::")
	if inFile || isPythonFile(dir, file) {
		found := classesOf(dir, file)
		if !inFile {
			found = append(found, cli.Candidate{Value: file, Description: "Python file"})
		}
		return found
	}
	var found []cli.Candidate
	named := false
	for _, name := range project.Names(dir) {
		found = append(found, cli.Candidate{Value: name, Description: "app of the pyproject.toml"})
		named = named || strings.HasPrefix(name, c.Word)
	}
	if file := onlyFile(dir, c.Word); file != "" && !named {
		if several := classesOf(dir, file); len(several) > 1 {
			return several
		}
	}
	return append(found, cli.Files("*.py")(ctx, c)...)
}

// classesOf are the apps of a file, each as it is deployed.
func classesOf(dir, file string) []cli.Candidate {
	var found []cli.Candidate
	for _, name := range project.Classes(inDir(dir, file)) {
		found = append(found, cli.Candidate{Value: file + "::" + name})
	}
	return found
}

// onlyFile is the Python file that word is the beginning of, when there is one
// and no folder beside it.
func onlyFile(dir, word string) string {
	folder, base := filepath.Split(word)
	entries, err := os.ReadDir(inDir(dir, folder))
	if err != nil {
		return ""
	}
	only := ""
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || base == "" && strings.HasPrefix(name, ".") {
			continue
		}
		switch info, err := os.Stat(inDir(dir, folder+name)); {
		case err != nil || !info.IsDir() && !isPythonFile(dir, folder+name):
		case info.IsDir() || only != "":
			return ""
		default:
			only = folder + name
		}
	}
	return only
}

func isPythonFile(dir, name string) bool {
	info, err := os.Stat(inDir(dir, name))
	return err == nil && strings.HasSuffix(name, ".py") && info.Mode().IsRegular()
}

func inDir(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
