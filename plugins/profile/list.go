package profile

import (
	"context"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func newList() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Aliases:     []string{"ls"},
		Summary:     "List profiles",
		Description: "Lists the profiles in the order of the file, and marks the one in use. Of a key the id and the end of its secret are shown, enough to tell it from others.",
		Flags:       []*cli.Flag{notOfOne("this lists all of them", func(name string) string { return line("show", name) })},
		Output:      cli.Records,
		JSON:        view.ProfileList{},
		Examples: []cli.Example{
			{Comment: "the one in use", Line: "fal profile list -q '.profiles[] | select(.is_set).profile'"},
		},
		Run: runList,
	}
}

func runList(ctx context.Context, inv *cli.Invocation) error {
	f, err := config.Open(path(inv))
	if err != nil {
		return err
	}
	used := inUse(inv, f)
	var rows []view.Profile
	for _, p := range f.Profiles() {
		rows = append(rows, view.Profile{
			Profile:  p.Name,
			IsSet:    p.Name == used,
			Settings: append([]string{}, p.Keys...),
			Host:     leadsTo(f, p.Name),
			Key:      masked(f, p.Name),
		})
	}
	if used != "" && !exists(f, used) {
		note(inv, "notice: profile %s is chosen and not in the file: commands use none", used)
	}
	return output.List(ctx, inv.Printer, view.Profiles(), rows)
}
