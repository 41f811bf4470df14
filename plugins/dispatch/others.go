package dispatch

import (
	"context"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// otherPlugin is a command that a program of somebody else answers.
type otherPlugin struct {
	// Name is what is typed behind fal: my-tool.
	Name    string
	Path    string
	Summary string
}

// others finds the plugins that can be run and are no noun of this project or
// of the official client, sorted by name. Folders are read for a second at
// most, and summaries waited for half a second.
func (d *Dispatcher) others(ctx context.Context) []otherPlugin {
	var found []otherPlugin
	scan, cancel := context.WithTimeout(ctx, suggestFor)
	defer cancel()
	// An error means that time is up, and then what was seen will do.
	_ = d.finder.Scan(scan, func(_, _, file string) {
		name := strings.TrimPrefix(file, installed.Prefix)
		same := func(o otherPlugin) bool { return o.Name == name }
		if _, known := installed.FindNoun(name); known || !installed.IsName(name) || d.finder.IsBuiltin(name) || slices.ContainsFunc(found, same) {
			return
		}
		if program, runs := d.finder.Find([]string{name}); runs && program.Name == file {
			found = append(found, otherPlugin{Name: name, Path: program.Path})
		}
	}, func(string, error) {})
	slices.SortFunc(found, func(a, b otherPlugin) int { return strings.Compare(a.Name, b.Name) })
	d.describeOthers(ctx, found)
	return found
}

// describeOthers adds what plugins say of themselves. Each has its own bound, and
// all together have little more.
func (d *Dispatcher) describeOthers(ctx context.Context, plugins []otherPlugin) {
	ctx, cancel := context.WithTimeout(ctx, d.patience+answerFor/5)
	defer cancel()
	paths := make([]string, len(plugins))
	for i, p := range plugins {
		paths[i] = p.Path
	}
	for i, summary := range d.summaries(ctx, paths) {
		plugins[i].Summary = summary
	}
}
