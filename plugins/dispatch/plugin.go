package dispatch

import (
	"context"
	"fmt"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

func newPlugin(d *Dispatcher) *cli.Command {
	return &cli.Command{
		Name:    "plugin",
		Aliases: []string{"plugins"},
		Summary: "See which plugins are installed",
		Sub:     []*cli.Command{newPluginList(d), newPluginWhich(d), newCheckPath(d)},
	}
}

// pluginRow is the JSON contract of `fal plugin list`.
type pluginRow struct {
	Name        string   `json:"name"`
	Path        string   `json:"path"`
	Version     string   `json:"version"`
	Description string   `json:"description"`
	Active      bool     `json:"active"`
	Warnings    []string `json:"warnings"`
}

type pluginRows struct {
	Plugins []pluginRow `json:"plugins"`
}

func newPluginList(d *Dispatcher) *cli.Command {
	v := pluginView()
	return &cli.Command{
		Name:    "list",
		Aliases: []string{"ls"},
		Summary: "List installed plugins",
		Description: "Reads the folders of PATH, and that of fal itself. Nothing is run, but plugins that announce it are asked what they are, once. " +
			"Warnings do not change the exit code.",
		Output: cli.Records,
		JSON:   pluginRows{},
		Flags: []*cli.Flag{{Name: "sort", Placeholder: "KEY[:desc]", Usage: "sort by " + strings.Join(v.SortNames(), ", "),
			Value:    cli.Func(func(key string) (err error) { v.Compare, err = output.ParseSort(v, key); return err }),
			Complete: cli.SortKeys(v.SortNames())}},
		Examples: []cli.Example{
			{Comment: "what is wrong with the installed plugins", Line: "fal plugin list --json | jq '.plugins[] | select(.warnings != [])'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runPluginList(ctx, inv, d, v) },
	}
}

func runPluginList(ctx context.Context, inv *cli.Invocation, d *Dispatcher, v output.View[pluginRow]) error {
	listing, err := d.List(ctx)
	if err != nil {
		return err
	}
	for _, w := range listing.Warnings {
		fmt.Fprintln(inv.IO.Err, "warning: "+w)
	}
	d.describeListed(ctx, listing.Plugins)
	rows := make([]pluginRow, len(listing.Plugins))
	for i, p := range listing.Plugins {
		rows[i] = pluginRow{p.Name, p.Path, p.Version, p.Description, p.Active, append([]string{}, p.Warnings...)}
	}
	return output.List(ctx, inv.Printer, v, rows)
}

// describeListed adds what plugins of others say of themselves. Only those that
// a command runs are asked.
func (d *Dispatcher) describeListed(ctx context.Context, plugins []installed.Plugin) {
	var asked []otherPlugin
	var places []int
	for i, p := range plugins {
		if p.Active && !p.Own {
			asked, places = append(asked, otherPlugin{Name: p.Name, Path: p.Path}), append(places, i)
		}
	}
	d.describeOthers(ctx, asked)
	for i, at := range places {
		plugins[at].Description = asked[i].Summary
	}
}

func pluginView() output.View[pluginRow] {
	return output.View[pluginRow]{
		Key:  "plugins",
		Name: func(p pluginRow) string { return p.Name },
		Columns: []output.Column[pluginRow]{
			{Header: "PLUGIN", Text: func(p pluginRow) string { return p.Name }},
			{Header: "VERSION", Rank: 2, Text: func(p pluginRow) string { return p.Version }},
			{Header: "DESCRIPTION", Rank: 3, Text: func(p pluginRow) string { return p.Description }},
			{Header: "PATH", Rank: 1, Text: func(p pluginRow) string { return p.Path }},
		},
		Details: func(p pluginRow) []string {
			var lines []string
			for _, w := range p.Warnings {
				lines = append(lines, "warning: "+w)
			}
			return lines
		},
		Note: func(rows []pluginRow) string {
			warned := 0
			for _, r := range rows {
				if len(r.Warnings) > 0 {
					warned++
				}
			}
			if warned == 0 {
				return ""
			}
			return fmt.Sprintf("%d with warnings", warned)
		},
		Empty: "no plugins",
		Sorts: []output.SortKey[pluginRow]{
			{Name: "name", Compare: func(a, b pluginRow) int { return strings.Compare(a.Name, b.Name) }},
			{Name: "path", Compare: func(a, b pluginRow) int { return strings.Compare(a.Path, b.Path) }},
			{Name: "version", Compare: func(a, b pluginRow) int { return strings.Compare(a.Version, b.Version) }},
		},
	}
}

// newCheckPath declares what `make install` asks at its end.
func newCheckPath(d *Dispatcher) *cli.Command {
	return &cli.Command{
		Name:    "check-path",
		Summary: "Say whether `fal` in a shell is this program",
		Hidden:  true,
		Run: func(_ context.Context, inv *cli.Invocation) error {
			for _, line := range pathAdvice(d) {
				fmt.Fprintln(inv.IO.Err, iostreams.Sanitize(line))
			}
			return nil
		},
	}
}

func pathAdvice(d *Dispatcher) []string {
	if s, ok := d.Shadowed(); ok {
		return []string{"notice: " + s.Message, "put ours first:", "  " + s.PathLine}
	}
	if folder := searchpath.FolderOf(d.env.Self); folder != "" {
		if _, found := d.finder.Path.Find(programName); !found {
			return []string{"notice: " + folder + " is not on PATH; add it:", "  export PATH=" + cli.Quote(folder) + `:"$PATH"`}
		}
	}
	return nil
}
