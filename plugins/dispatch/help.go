package dispatch

import (
	"context"
	"fmt"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// newHelp declares `fal help`, which asks a plugin for the help of its
// commands.
func newHelp(d *Dispatcher) *cli.Command {
	var words []string
	return &cli.Command{
		Name:    "help",
		Summary: "Describe a command, or exit-codes, environment, output",
		Args: []cli.Arg{{Name: "COMMAND", Usage: "a command with its subcommands, or one of the topics exit-codes, environment, output",
			Optional: true, Repeat: true, Value: cli.Strings(&words)}},
		Examples: []cli.Example{
			{Comment: "a command of a plugin", Line: "fal help runners list"},
			{Comment: "what the exit codes mean", Line: "fal help exit-codes"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runHelp(ctx, inv, d, words) },
	}
}

func runHelp(ctx context.Context, inv *cli.Invocation, d *Dispatcher, words []string) error {
	if len(words) == 0 || d.finder.IsBuiltin(words[0]) || cli.IsTopic(words[0]) {
		return cli.Help(inv, words)
	}
	route, err := d.Resolve(ctx, append(append([]string{}, words...), "--help"))
	if err != nil {
		return err
	}
	if route.Kind == Own {
		return cli.Help(inv, words)
	}
	if route.Notice != "" {
		fmt.Fprintln(inv.IO.Err, "notice: "+route.Notice)
	}
	code, err := route.Program.Exec()
	if err != nil {
		return err
	}
	if code != cli.ExitOK {
		return cli.Silent(code)
	}
	return nil
}
