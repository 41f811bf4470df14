// Package keys is the fal-keys program: the API keys that programs authenticate
// with.
package keys

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Main runs fal-keys and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-keys.
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
		Name:      "fal-keys",
		Noun:      "keys",
		Summary:   "Create, list and revoke API keys",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newCreate(d), newList(d), newRevoke(d)},
	})
}

// collect lists all keys in one bounded request, in their default order.
func (d dependencies) collect(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]view.Key, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var rows []view.Key
	for k, err := range complete.KeepKeys(s, s.Client.Keys.List(ctx, nil)) {
		if err != nil {
			return nil, s.Error(err)
		}
		rows = append(rows, view.NewKey(k, s.Config.Credentials.KeyID, d.now()))
	}
	return rows, nil
}
