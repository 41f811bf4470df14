package apps

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
	"github.com/fal-plugins/fal/plugins/internal/watch"
)

type listOptions struct {
	dependencies

	filter        string
	regions       []string
	sort          string
	sortByRunners bool
	watching      watch.Options
}

// regionNames are the regions of the service.
var regionNames = [...]string{"us-west", "us-central", "us-east", "eu-north", "eu-west"}

func newList(d dependencies) *cli.Command {
	o := &listOptions{dependencies: d}
	return &cli.Command{
		Name:    "list",
		Aliases: []string{"ls"},
		Summary: "List apps",
		Description: "Lists the apps of an environment by name, with what they run on and how they scale; -o wide shows every setting. In a table, a rollout is under way or has failed as `apps status` says. An app in another environment than main is called NAME--ENV by the service: a table shows the two apart.\n\n" +
			`With --watch the list goes on until Ctrl-C. On a terminal it is redrawn; in a pipe each change is a line of its own, {"event": "added", "app": {...}}: first all that are there are added, then apps are added, changed and removed, and --jq filters line by line. A service that is away for a while is asked again.`,
		Output:      cli.Records,
		JSON:        view.AppList{},
		Stream:      cli.Stream{Flag: "watch", Record: view.AppEvent{}},
		Environment: true,
		Flags: append([]*cli.Flag{
			{Name: "filter", Placeholder: "TEXT", Value: cli.NonEmpty(&o.filter), Usage: "only apps whose alias contains the text"},
			{Name: "regions", Placeholder: "REGION", Values: regionNames[:], Greedy: true, Value: cli.Strings(&o.regions),
				Usage: "only apps that may run in one of these regions: " + strings.Join(regionNames[:], ", ")},
			{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&o.sort), Complete: cli.SortKeys(view.Apps(nil).SortNames()),
				Usage: "sort by " + strings.Join(view.Apps(nil).SortNames(), ", ")},
			{Name: "sort-by-runners", Value: cli.Bool(&o.sortByRunners), Usage: "same as --sort runners"},
		}, o.watching.Flags()...),
		Lasts: func() bool { return o.watching.On },
		Examples: []cli.Example{
			{Comment: "the busiest apps first", Line: "fal apps list --sort runners:desc"},
			{Comment: "what keeps runners without requests", Line: "fal apps list --jq '.apps[] | select(.min_concurrency > 0).alias'"},
			{Comment: "no runner of staging is kept", Line: "fal apps list --env staging -o name | xargs -r fal apps scale --min-concurrency 0"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runList(ctx, inv, o) },
	}
}

func runList(ctx context.Context, inv *cli.Invocation, o *listOptions) error {
	if err := o.watching.Check(inv); err != nil {
		return err
	}
	if o.sortByRunners && o.sort != "" {
		return cli.Usagef("--sort and --sort-by-runners contradict each other")
	}
	key := o.sort
	if o.sortByRunners {
		key = "runners"
	}
	order, err := output.ParseSort(view.Apps(nil), key)
	if err != nil { // told before anything is asked for
		return err
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	look := func(ctx context.Context) ([]view.App, error) { return o.rows(ctx, inv, s) }
	if o.watching.On {
		return watch.Run(ctx, inv, o.watching, watch.List[view.App, view.AppEvent]{
			Look: look, View: view.Apps, Order: order, Changes: view.AppChanges, Events: view.AppEvents(), Now: o.now,
		})
	}
	rows, err := look(ctx)
	if err != nil {
		return err
	}
	v := view.Apps(rows)
	v.Compare = order
	return output.List(ctx, inv.Printer, v, rows)
}

// manyRows is where a list begins to be long.
const manyRows = 256

// rows are the apps that were asked for. People are told of a rollout what status
// tells them, for which the runners are looked at.
func (o *listOptions) rows(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]view.App, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	format := inv.Printer.Format()
	forPeople := format == output.Pretty || format == output.Wide
	var rows []view.App
	var unsettled []int // of the rows
	var infos []fal.AppInfo
	for a, err := range complete.KeepApps(s, s.Client.Apps.List(ctx, nil)) {
		if err != nil {
			return nil, noEnvironment(s, err)
		}
		if len(rows) == cap(rows) {
			rows = slices.Grow(rows, max(64, len(rows))) // append grows large slices by a quarter only
		}
		somewhere := slices.ContainsFunc(o.regions, func(r string) bool { return slices.Contains(a.Regions, r) })
		if strings.Contains(a.Alias, o.filter) && cmp.Or(len(o.regions) == 0, somewhere) {
			if rows = append(rows, view.NewApp(a)); len(rows) == manyRows {
				cli.DeferCollection(inv.Getenv)
			}
			// All its runners are up: nothing else is to be said of it.
			if forPeople && (a.Rolling || a.ActiveRunners < max(1, a.MinConcurrency)) {
				unsettled, infos = append(unsettled, len(rows)-1), append(infos, a)
			}
		}
	}
	if len(unsettled) == 0 {
		return rows, nil
	}
	runners := make(map[string][]fal.Runner)
	for r, err := range s.Client.Runners.List(ctx, nil) {
		if err != nil {
			return nil, s.Error(err)
		}
		runners[r.Alias] = append(runners[r.Alias], r)
	}
	for i, row := range unsettled {
		rows[row] = rows[row].WithRunners(infos[i], runners[infos[i].Alias])
	}
	return rows, nil
}
