// Package secrets is the fal-secrets program: the environment variables of
// runners whose values nobody gets to see again. A value is never printed,
// whatever goes wrong.
package secrets

import (
	"context"
	"os"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// Main runs fal-secrets and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-secrets.
func App() *cli.App {
	return app(dependencies{connect: session.Open, now: time.Now, values: complete.Background(), environ: os.Environ})
}

// dependencies are what the commands need from outside.
type dependencies struct {
	connect func(context.Context, *cli.Invocation) (*session.Session, error)
	now     func() time.Time
	values  complete.Values
	environ func() []string // as os.Environ gives it
}

func app(d dependencies) *cli.App {
	return d.values.In(&cli.App{
		Name:      "fal-secrets",
		Noun:      "secrets",
		Summary:   "Set the secrets that your apps get as environment variables",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newSet(d), newList(d), newUnset(d), newGet()},
	})
}
