// Package environments is the fal-environments program: the environments that
// keep the apps and secrets of an account apart.
package environments

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Main runs fal-environments and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-environments.
func App() *cli.App {
	return app(dependencies{connect: session.Open, now: time.Now, values: complete.Background()})
}

// dependencies are what the commands need from outside.
type dependencies struct {
	connect func(context.Context, *cli.Invocation) (*session.Session, error)
	now     func() time.Time
	values  complete.Values
}

func app(d dependencies) *cli.App {
	return d.values.In(&cli.App{
		Name:      "fal-environments",
		Noun:      "environments",
		Summary:   "Create, list and delete environments",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newList(d), newCreate(d), newDelete(d)},
	})
}

// collect lists all environments in one bounded request.
func (d dependencies) collect(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]view.Environment, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var rows []view.Environment
	for e, err := range complete.KeepEnvironments(s, s.Client.Environments.List(ctx, nil)) {
		if err != nil {
			return nil, s.Error(err)
		}
		rows = append(rows, view.NewEnvironment(e, d.now()))
	}
	return rows, nil
}
