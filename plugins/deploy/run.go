package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func runDeploy(ctx context.Context, inv *cli.Invocation, o *options) error {
	if err := o.validate(inv); err != nil {
		return err
	}
	display := o.display(inv)
	defer display.Close()
	targets, err := o.targets(inv, display)
	if err != nil {
		return err
	}
	for _, n := range o.notices(inv) {
		notice(inv, n)
	}
	if o.all {
		return runAll(ctx, inv, o, display, targets)
	}
	return runOne(ctx, inv, o, display, targets[0])
}

// targets are the apps that the line means.
func (o *options) targets(inv *cli.Invocation, display *progress.Display) ([]*project.Target, error) {
	dir, err := o.dir()
	if err != nil {
		return nil, err
	}
	find := project.Options{Dir: dir, Ref: o.ref, AppName: o.appName, AuthMode: o.auth, Python: o.python, Getenv: inv.Getenv, Stderr: display.Writer()}
	if o.all {
		return project.FindAll(find)
	}
	target, err := project.Find(find)
	if err != nil {
		return nil, err
	}
	return []*project.Target{target}, nil
}

func runOne(ctx context.Context, inv *cli.Invocation, o *options, display *progress.Display, target *project.Target) error {
	sessions := o.sessions(inv)
	defer sessions.close()
	j, err := o.newJob(ctx, inv, sessions, display, target)
	if err != nil {
		return err
	}
	defer j.close()
	asks, err := o.mustConfirm(ctx, inv, j.session)
	if err != nil {
		return err
	}
	if err := j.load(ctx); err != nil {
		return err
	}
	display.Say(inv.IO.PaintErr(iostreams.Bold, j.heading()))
	switch {
	case o.dryRun:
		planned, err := j.plan(ctx)
		if err != nil {
			return err
		}
		display.Close()
		return o.print(ctx, inv, planned, j.planText(planned)...)
	case asks:
		if err := o.confirm(ctx, inv, display, j); err != nil {
			return err
		}
	}
	result, err := j.deploy(ctx)
	display.Close()
	if err != nil {
		return err
	}
	inv.Did("deployed %s as revision %s", result.AppName, result.Revision)
	if err := o.print(ctx, inv, result); err != nil {
		return err
	}
	return j.after(result)
}

// print prints a deployment: its record, or text for people.
func (o *options) print(ctx context.Context, inv *cli.Invocation, v view.Deployment, lines ...string) error {
	return output.Object(context.WithoutCancel(ctx), inv.Printer, v, func(w io.Writer) error { return o.writeText(inv, w, v, lines) })
}

func (o *options) writeText(inv *cli.Invocation, w io.Writer, v view.Deployment, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	urls, _ := view.ParseURLChoice(inv.Getenv(urlOutput)) // what it is not was said
	return v.WriteText(w, inv.Printer, urls)
}

func notice(inv *cli.Invocation, text string) {
	fmt.Fprintln(inv.IO.Err, inv.IO.PaintErr(iostreams.Dim, "notice: "+iostreams.SanitizeLine(text)))
}

// canAsk reports whether there is someone to answer a question.
func canAsk(inv *cli.Invocation) bool { return inv.IO.InTerminal() && inv.IO.ErrTerminal() }

// display shows progress on stderr. Requests that --debug shows would stand in
// the middle of a picture, and a dumb terminal has none.
func (o *options) display(inv *cli.Invocation) *progress.Display {
	return progress.New(progress.Options{
		Out:      inv.IO.Err,
		Live:     inv.IO.ErrTerminal() && !inv.Debug && inv.Getenv("TERM") != "dumb",
		ASCII:    !iostreams.SpeaksUTF8(inv.Getenv),
		WholeLog: inv.Verbose,
		Named:    o.all,
		Size:     o.size,
		Paint:    inv.IO.PaintErr,
		Now:      o.now,
	})
}

// interrupted reports whether somebody has had enough.
func interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), context.Canceled) }
