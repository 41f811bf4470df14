package runners

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func newExec(d dependencies) *cli.Command {
	o := &sessionOptions{}
	both := false
	return &cli.Command{
		Name:    "exec",
		Summary: "Run a command in a runner",
		Description: "Runs a command in a runner that runs. No shell reads its words; `-- sh -c '…'` brings one. What has no flags of its own needs no `--` before it.\n\n" +
			"With -i, standard input is sent to its end, byte for byte. With -t, the command gets a terminal with the size of ours, and nothing to read; with -it this terminal: every key goes to the command, Ctrl-C too. " + helpEscape + "\n\n" +
			"The wire has one channel for output: the command's standard error arrives on standard output. Without -t our control plane gives the command no terminal, so that output arrives byte for byte; whether the service gives one unasked, which would change line ends, is not known.\n\n" +
			helpCodes + " " + helpFirst,
		Args: []cli.Arg{
			o.idArg(d),
			{Name: "COMMAND", Usage: "the program and its arguments", Repeat: true, Verbatim: true, Value: cli.Strings(&o.command)},
		},
		Flags: []*cli.Flag{
			{Name: "stdin", Aliases: []string{"i"}, Value: cli.Bool(&o.stdin), Usage: "send standard input"},
			{Name: "tty", Aliases: []string{"t"}, Value: cli.Bool(&o.tty), Usage: "run the command on a terminal"},
			{Name: "interactive", Value: cli.Bool(&both), Usage: "both, as -it"},
		},
		Lasts: func() bool { return true },
		Examples: []cli.Example{
			{Comment: "one command", Line: "fal runners exec 4f2a91c0 -- nvidia-smi"},
			{Comment: "a folder into the runner", Line: "tar c models | fal runners exec 4f2a91c0 -i -- tar x -C /data"},
			{Comment: "a file out of it", Line: "fal runners exec 4f2a91c0 -- cat /data/out.bin > out.bin"},
			{Comment: "an interactive program", Line: "fal runners exec 4f2a91c0 -it -- python"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			if both {
				o.stdin, o.tty = true, true
			}
			if err := o.validate(inv); err != nil {
				return err
			}
			return runSession(ctx, inv, d, o)
		},
	}
}

// validate refuses what cannot be meant, before anything is sent.
func (o *sessionOptions) validate(inv *cli.Invocation) error {
	words := make([]string, len(o.command))
	for i, w := range o.command {
		words[i] = cli.Quote(w)
	}
	without := func(flags string) string {
		return "fal runners exec " + cli.Quote(o.id) + flags + " -- " + strings.Join(words, " ")
	}
	switch {
	case o.command[0] == "":
		return cli.Usagef("the command is empty")
	case inv.DashAt > 1:
		return cli.Usagef("`--` must stand before the command").WithHint(without(""))
	case o.tty && o.stdin && !inv.IO.InTerminal():
		return cli.Usagef("-t with -i needs a terminal, and standard input is none").WithHint("`" + without(" -i") + "`, to feed it from a pipe")
	case o.tty && !inv.IO.InTerminal() && !inv.IO.OutTerminal():
		return cli.Usagef("-t needs a terminal, and there is none here").WithHint(without(""))
	}
	return nil
}
