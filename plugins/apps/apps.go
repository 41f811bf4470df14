// Package apps is the fal-apps program: what you have deployed, how it scales,
// and which revision of it serves.
package apps

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// Main runs fal-apps and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-apps.
func App() *cli.App {
	d := dependencies{connect: session.Open, now: time.Now, poll: time.Second, values: complete.Background()}
	return app(d)
}

// dependencies are what the commands need from outside.
type dependencies struct {
	connect func(context.Context, *cli.Invocation) (*session.Session, error)
	now     func() time.Time
	poll    time.Duration // between two looks while waiting
	values  complete.Values
}

func app(d dependencies) *cli.App {
	return d.values.In(&cli.App{
		Name:      "fal-apps",
		Noun:      "apps",
		Summary:   "See, scale and roll out the apps that you have deployed",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  commands(d),
	})
}

// commands are the verbs in the order in which the help lists them.
func commands(d dependencies) []*cli.Command {
	return []*cli.Command{
		newList(d),
		newDescribe(d),
		newStatus(d),
		newRevisions(d),
		newScale(d),
		newSetRev(d),
		newRollout(d),
		newRollback(d),
		newDelete(d),
		newDeleteRev(d),
		newRunners(d),
		newLogs(d),
		newGPUs(d),
	}
}
