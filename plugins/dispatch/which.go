package dispatch

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// whichRow is the JSON contract of `fal plugin which`.
type whichRow struct {
	Name string `json:"name"`
	// Kind is builtin, plugin, alias or official.
	Kind string `json:"kind"`
	Path string `json:"path"`
	// Shadows are the programs of the same name that are not run.
	Shadows []string `json:"shadows"`
}

type whichRows struct {
	Plugins []whichRow `json:"plugins"`
}

func newPluginWhich(d *Dispatcher) *cli.Command {
	var names []string
	return &cli.Command{
		Name:        "which",
		Summary:     "Show which program a command runs",
		Description: "Prints the program that `fal NAME` becomes, with a note on others of that name. A command of several words is given as one argument.",
		Args:        []cli.Arg{{Name: "NAME", Usage: "what is typed behind fal", Repeat: true, Value: cli.NonEmptyStrings(&names), Complete: d.completeFirst}},
		Output:      cli.Text,
		JSON:        whichRows{},
		Examples: []cli.Example{
			{Comment: "the program itself, without fal", Line: `"$(fal plugin which runners)" list`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runPluginWhich(ctx, inv, d, names) },
	}
}

func runPluginWhich(ctx context.Context, inv *cli.Invocation, d *Dispatcher, names []string) error {
	rows := []whichRow{}
	var missing []string
	for _, name := range names {
		row, found, err := d.which(ctx, name)
		switch {
		case err != nil:
			return err
		case found:
			rows = append(rows, row)
		default:
			missing = append(missing, name)
		}
	}
	if err := printWhich(ctx, inv, rows); err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	failure := &cli.Error{Exit: cli.ExitNotFound, Message: fmt.Sprintf("no program answers `fal %s`", missing[0])}
	for _, name := range missing[1:] {
		failure.Lines = append(failure.Lines, fmt.Sprintf("no program answers `fal %s`", name))
	}
	for _, name := range missing {
		if words := strings.Fields(name); len(words) > 0 {
			failure.Hint = append(failure.Hint, d.hints(ctx, words, d.client(nil))...)
		}
	}
	slices.Sort(failure.Hint)
	failure.Hint = slices.Compact(failure.Hint)
	return failure
}

func printWhich(ctx context.Context, inv *cli.Invocation, rows []whichRow) error {
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, whichView(), rows)
	}
	for _, row := range rows {
		if _, err := io.WriteString(inv.IO.Out, iostreams.SanitizeLine(row.Path)+"\n"); err != nil {
			return err
		}
		switch row.Kind {
		case "builtin":
			fmt.Fprintf(inv.IO.Err, "note: `fal %s` is answered by fal itself\n", iostreams.SanitizeLine(row.Name))
		case "alias":
			fmt.Fprintf(inv.IO.Err, "note: `fal %s` is an alias\n", iostreams.SanitizeLine(row.Name))
		case "official":
			fmt.Fprintf(inv.IO.Err, "note: `fal %s` is a command of the official client\n", iostreams.SanitizeLine(row.Name))
		}
		for _, path := range row.Shadows {
			fmt.Fprintln(inv.IO.Err, "note: it comes before "+installed.Shown(path))
		}
	}
	return nil
}

func whichView() output.View[whichRow] {
	return output.View[whichRow]{
		Key:  "plugins",
		Name: func(r whichRow) string { return r.Path },
		Columns: []output.Column[whichRow]{
			{Header: "NAME", Text: func(r whichRow) string { return r.Name }},
			{Header: "KIND", Text: func(r whichRow) string { return r.Kind }},
			{Header: "PATH", Text: func(r whichRow) string { return r.Path }},
		},
		Empty: "no plugins",
	}
}

// which says what `fal NAME` runs.
func (d *Dispatcher) which(ctx context.Context, name string) (row whichRow, found bool, err error) {
	words := strings.Fields(name)
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		return whichRow{}, false, nil
	}
	row = whichRow{Name: name, Shadows: []string{}}
	if d.finder.IsBuiltin(words[0]) {
		row.Kind, row.Path = "builtin", d.env.Self
		row.Shadows = d.shadowed(installed.Prefix+words[0], "")
		return row, true, nil
	}
	if match, err := d.Lookup(words); err == nil {
		row.Kind, row.Path = "plugin", match.Path
		row.Shadows = d.shadowed(match.Name, match.Path)
		return row, true, nil
	} else if _, unknown := err.(*UnknownCommandError); !unknown {
		return whichRow{}, false, err
	}
	route, err := d.Resolve(ctx, words)
	if _, unknown := err.(*UnknownCommandError); unknown {
		return whichRow{}, false, nil
	}
	if err != nil {
		return whichRow{}, false, err
	}
	row.Kind, row.Path = "alias", route.Program.Path
	if _, known := installed.FindNoun(words[0]); known {
		row.Kind = "official"
	}
	return row, true, nil
}

// shadowed are the other programs of a name that may be executed, in the order
// in which they are looked for.
func (d *Dispatcher) shadowed(name, active string) []string {
	others := []string{}
	for _, file := range d.finder.All(name) {
		if file != active {
			others = append(others, file)
		}
	}
	return others
}
