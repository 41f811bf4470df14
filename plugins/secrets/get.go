package secrets

import (
	"context"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// newGet is the command of those who look for a value. It is there to say that
// nobody gets it, before a guess makes them set another one.
func newGet() *cli.Command {
	var words []string
	return &cli.Command{
		Name:        "get",
		Aliases:     []string{"show", "read", "describe"},
		Summary:     "Say why no value is shown",
		Hidden:      true,
		Args:        []cli.Arg{{Name: "NAME", Usage: "a secret", Optional: true, Repeat: true, Value: cli.Strings(&words)}},
		Output:      cli.Text,
		Single:      true,
		Environment: true,
		Run: func(_ context.Context, inv *cli.Invocation) error {
			return cli.Usagef("the value of a secret can not be read back, only set").
				WithHint("`"+inv.Typed()+" list` shows the names", "`"+inv.Typed()+" set NAME` gives one another value")
		},
	}
}
