package runners

import (
	"context"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// What the help of shell and exec has in common.
const (
	helpEscape = "When the session hangs, `~.` typed after Return ends it; `~~` there sends one tilde."
	helpCodes  = "The exit code is that of the command. A session that fails on our side or on the way exits 255, as in ssh; a mistake on the command line is told before anything is sent and exits 2; Ctrl-C where it is no key of the session exits 130."
	helpFirst  = "--timeout bounds the time to the first answer only."
)

func newShell(d dependencies) *cli.Command {
	o := &sessionOptions{stdin: true, tty: true}
	return &cli.Command{
		Name:    "shell",
		Summary: "Open a shell in a runner",
		Description: "Opens a shell in a runner that runs, on this terminal: every key goes there, Ctrl-C, Ctrl-Z and Ctrl-D too, and the size of the window follows. The terminal is given back as it was, however the session ends.\n\n" +
			helpEscape + "\n\n" + helpCodes + " " + helpFirst,
		Args:  []cli.Arg{o.idArg(d)},
		Lasts: func() bool { return true },
		Examples: []cli.Example{
			{Comment: "look around in a runner", Line: "fal runners shell 4f2a91c0"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			if !inv.IO.InTerminal() {
				return cli.Usagef("a shell needs a terminal, and standard input is none").
					WithHint("`fal runners exec " + cli.Quote(o.id) + " -i -- sh`, to feed a shell from a pipe")
			}
			return runSession(ctx, inv, d, o)
		},
	}
}
