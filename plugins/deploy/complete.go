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
// file, and behind `::`, or a whole file name, what is in the file.
func (o *options) completeRef(ctx context.Context, c *cli.Completion) []cli.Candidate {
	dir, err := o.dir()
	if err != nil {
		return nil
	}
	file, _, inFile := strings.Cut(c.Word, "::")
	if inFile || isPythonFile(dir, file) {
		var found []cli.Candidate
		for _, name := range project.Classes(inDir(dir, file)) {
			found = append(found, cli.Candidate{Value: file + "::" + name})
		}
		if !inFile {
			found = append(found, cli.Candidate{Value: file, Description: "Python file"})
		}
		return found
	}
	var found []cli.Candidate
	for _, name := range project.Names(dir) {
		found = append(found, cli.Candidate{Value: name, Description: "app of the pyproject.toml"})
	}
	return append(found, cli.Files("*.py")(ctx, c)...)
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
