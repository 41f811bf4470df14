package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func runDeploy(ctx context.Context, inv *cli.Invocation, o *options) error {
	if err := o.validate(); err != nil {
		return err
	}
	display := o.display(inv)
	defer display.Close()
	targets, err := o.targets(inv, display)
	if err != nil {
		return err
	}
	for _, n := range o.notices() {
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
	if err != nil && o.overrides() {
		err = o.refused(find)
	}
	if err != nil {
		return nil, err
	}
	return []*project.Target{target}, nil
}

// refused is why an app was not found with flags that only a Python file takes:
// those that were given, if it is there without them.
func (o *options) refused(find project.Options) error {
	find.AppName, find.AuthMode = "", nil
	if _, err := project.Find(find); err != nil {
		return err
	}
	flags, are := o.overriding()
	what, keys := "it", "name and auth"
	switch {
	case o.auth == nil:
		keys = "name"
	case o.appName == "":
		keys = "auth"
	default:
		what = "them"
	}
	return project.Problems{{
		Message: fmt.Sprintf("%s %s for Python files: the app %s of pyproject.toml cannot take %s", flags, are, o.ref, what),
		Hint:    fmt.Sprintf("write %s as %s in the app's table", what, keys),
	}}
}

func runOne(ctx context.Context, inv *cli.Invocation, o *options, display *progress.Display, target *project.Target) error {
	sessions := o.sessions(inv)
	defer sessions.close()
	j := o.newJob(inv, display, target)
	defer j.close()
	if err := j.open(ctx, sessions); err != nil {
		return err
	}
	asks, err := o.mustConfirm(ctx, inv, j.session)
	if err != nil {
		return err
	}
	if err := j.load(ctx); err != nil {
		return o.failed(ctx, inv, display, j, err)
	}
	display.Say(inv.IO.PaintErr(iostreams.Bold, j.heading()))
	switch {
	case o.dryRun:
		planned, err := j.plan(ctx)
		if err != nil {
			return o.failed(ctx, inv, display, j, err)
		}
		display.Close()
		return j.print(ctx, planned, j.planText(planned)...)
	case asks:
		if err := o.confirm(ctx, inv, display, j); err != nil {
			return err
		}
	}
	result, err := j.deploy(ctx)
	if err != nil {
		return o.failed(ctx, inv, display, j, err)
	}
	display.Close()
	inv.Did("deployed %s as revision %s", result.AppName, result.Revision)
	if err := j.print(ctx, result); err != nil {
		return err
	}
	return j.after(result)
}

// failed prints what is known of a deployment that failed where records are
// wanted: a program must be able to tell whether the app has moved. People read
// it in the error, which is returned.
func (o *options) failed(ctx context.Context, inv *cli.Invocation, display *progress.Display, j *job, err error) error {
	display.Close()
	if forPeople(inv) {
		return err
	}
	return outcome.Joined(err, j.print(ctx, j.failed(err)))
}

// forPeople reports whether text is printed, and no records.
func forPeople(inv *cli.Invocation) bool {
	return inv.Format == output.Pretty || inv.Format == output.Wide
}

// print prints a deployment: its record, its app's name, or text for people.
func (j *job) print(ctx context.Context, v view.Deployment, lines ...string) error {
	if j.inv.Format == output.Name {
		return output.List(context.WithoutCancel(ctx), j.inv.Printer, view.Deployments(), []view.Deployment{v})
	}
	return output.Object(context.WithoutCancel(ctx), j.inv.Printer, v, func(w io.Writer) error { return j.writeText(w, v, lines) })
}

func (j *job) writeText(w io.Writer, v view.Deployment, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	urls := view.AllURLs
	if j.session != nil {
		urls = view.URLChoiceOf(j.session.Config.URLOutput)
	}
	return v.WriteText(w, j.inv.Printer, urls)
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
		Dropped:  "`--verbose` prints every line as it comes",
		Clips:    clips(inv.Getenv),
		Named:    o.all,
		Size:     o.size,
		Paint:    inv.IO.PaintErr,
		Now:      o.now,
	})
}

// interrupted reports whether somebody has had enough.
func interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), context.Canceled) }
