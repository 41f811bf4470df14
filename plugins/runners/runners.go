// Package runners is the fal-runners program: the machines that serve apps.
package runners

import (
	"context"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// Main runs fal-runners and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-runners.
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
		Name:      "fal-runners",
		Noun:      "runners",
		Summary:   "See and stop the runners that serve your apps",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newList(d), newStop(d), newKill(d), newShell(d), newExec(d), newGPUs(d), newDescribe(d), newLogs(d)},
	})
}
