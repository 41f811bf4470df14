package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	goruntime "runtime"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// sampleApp is what the control plane calls the sample app.
const sampleApp = "sample"

type startOptions struct {
	folder folderOptions
	server serverOptions

	foreground bool
}

func newStart() *cli.Command {
	o := &startOptions{}
	return &cli.Command{
		Name:    "start",
		Summary: "Start the control plane",
		Description: "Starts the control plane in the background and returns when it answers. When it is running already as it was asked for, that is said and all is well; with --sample the sample app is added.\n\n" +
			"It answers gRPC and REST at one port of 127.0.0.1. What it keeps is in its data folder and is there again after the next start.\n\n" +
			"Runners get what any process needs of the environment that it is started in, such as PATH, HOME and LANG, and no other variable: credentials stay where they are. What an app needs besides is set with `fal secrets set`.\n\n" +
			"With --login there is somebody to log in as, named you, who can act as a personal account, a team's and an organization's. " +
			"Nobody is asked for a password: whoever can reach a port of this machine can log in, and then do whatever you can do here.",
		Output: cli.Text,
		Single: true,
		JSON:   Status{},
		Flags: append(o.server.flags(), o.folder.flag(),
			&cli.Flag{Name: "foreground", Value: cli.Bool(&o.foreground),
				Usage: "stay in this terminal, with the log on stderr, until Ctrl-C"}),
		Waits: func() bool { return o.foreground },
		Examples: []cli.Example{
			{Comment: "with three runners to look at", Line: "fal local start --sample"},
			{Comment: "to try logging in and choosing an account", Line: "fal local start --login"},
			{Comment: "in a service of the system", Line: "fal local start --foreground --port 8443 --tls"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runStart(ctx, inv, o) },
	}
}

func runStart(ctx context.Context, inv *cli.Invocation, o *startOptions) error {
	dir, err := o.folder.open(inv)
	if err != nil {
		return err
	}
	if err := dir.prepare(); err != nil {
		return err
	}
	if o.foreground {
		return runForeground(ctx, inv, dir, o.server)
	}
	lastPort := dir.settings().Port
	found, started, err := findOrSpawn(ctx, dir, o.server)
	if err != nil {
		return err
	}
	if !started {
		if err := o.server.agree(found, dir); err != nil {
			return err
		}
		fmt.Fprintf(inv.IO.Err, "already running (process %d)\n", found.PID)
	}
	if o.server.sample {
		if found, err = awaitSample(ctx, dir, found); err != nil {
			return err
		}
	}
	if port := dir.settings().Port; started && o.server.port == 0 && lastPort != 0 && port != lastPort {
		fmt.Fprintf(inv.IO.Err, "note: port %d is taken by another program: a profile that `%s use` wrote needs it again\n", lastPort, inv.Typed())
	}
	return printStarted(ctx, inv, dir, found)
}

// findOrSpawn returns the running server, and whether it had to be started.
func findOrSpawn(ctx context.Context, dir dataDir, o serverOptions) (_ *instance, started bool, err error) {
	for {
		found, err := dir.find(ctx)
		if err != nil {
			return nil, false, err
		}
		if found != nil && !found.health.Stopping {
			return found, false, nil
		}
		if found != nil {
			if err := dir.awaitEnd(ctx, found.record); err != nil {
				return nil, false, err
			}
		}
		r, err := spawn(ctx, dir, o)
		var failed *cli.Error
		if errors.As(err, &failed) && failed.Code == codeAlreadyRunning {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		h, err := controlOf(*r).health(ctx)
		if err != nil {
			return nil, false, fmt.Errorf("the server came up and went away: %w", err)
		}
		return &instance{record: *r, health: h}, true, nil
	}
}

// agree checks that a server that is running is what was asked for.
func (o serverOptions) agree(found *instance, dir dataDir) error {
	var what string
	switch {
	case o.tls && !found.TLS:
		what = "without TLS"
	case o.port != 0 && portOf(found.record) != o.port:
		what = "on " + found.Address
	case o.login && !found.health.Login:
		what = "without logins"
	default:
		return nil
	}
	return (&cli.Error{Code: "running_otherwise", Message: "the control plane is running " + what}).
		WithHint("fal local stop" + dir.flag())
}

// awaitSample makes sure of the sample app and returns when as many of its
// runners are up as there are to be.
func awaitSample(ctx context.Context, dir dataDir, found *instance) (*instance, error) {
	client := controlOf(found.record)
	if !found.health.Sample {
		if err := client.startSample(ctx); err != nil {
			return nil, fmt.Errorf("cannot start the sample app: %w", err)
		}
	}
	now := *found
	err := poll(ctx, func() (bool, error) {
		var err error
		now.health, err = client.health(ctx)
		if err == nil && now.health.Problem != "" {
			err = errors.New(now.health.Problem)
		}
		return now.health.Sample && now.health.Ready >= now.health.Wanted, err
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, (&cli.Error{Code: "timeout", Message: fmt.Sprintf("%d of %d sample runners came up in time", now.health.Ready, now.health.Wanted)}).
			WithHint("fal local logs" + dir.flag())
	}
	return &now, err
}

func printStarted(ctx context.Context, inv *cli.Invocation, dir dataDir, found *instance) error {
	err := output.Object(ctx, inv.Printer, newStatus(dir, found), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "listening on "+found.Address)
		return err
	})
	if err != nil || inv.Format != output.Pretty && inv.Format != output.Wide {
		return err
	}
	env := localplane.GuessShell(inv.Getenv, goruntime.GOOS).Source(inv.Typed() + " env" + dir.flag())
	hint(inv, "`"+env+"` uses it in this shell")
	if found.health.Login {
		hint(inv, "then `fal auth login` logs you in")
	}
	hint(inv, "`"+inv.Typed()+" use"+dir.flag()+"` saves it as a profile")
	return nil
}

// hint says what can be done next, where a person reads it.
func hint(inv *cli.Invocation, line string) {
	fmt.Fprintf(inv.IO.Err, "%s %s\n", inv.IO.PaintErr(iostreams.Dim, "hint:"), line)
}

// runForeground is the server in this process. An interrupt is how it is meant
// to end.
func runForeground(ctx context.Context, inv *cli.Invocation, dir dataDir, o serverOptions) error {
	log, err := dir.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	shown := &logWriter{streams: inv.IO}
	logger := slog.New(slog.NewJSONHandler(io.MultiWriter(log, shown), nil))
	var failed error
	err = serve(ctx, dir, o, logger, func(r record) {
		_, err := fmt.Fprintln(inv.IO.Out, "listening on "+r.Address)
		failed = errors.Join(err, inv.IO.Flush())
	})
	return errors.Join(err, failed)
}
