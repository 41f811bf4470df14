package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// confirmation is the word that is typed.
const confirmation = "confirm"

// mustConfirm reports whether a deployment is shown and asked about first: as
// the flag, the variable or the account that is acted for wants it. Without
// anybody to ask, that is an error here, before anything is done.
func (o *options) mustConfirm(ctx context.Context, inv *cli.Invocation, s *session.Session) (bool, error) {
	if o.dryRun {
		return false, nil
	}
	by, err := o.checkedBy(ctx, inv, s)
	if err != nil || by == "" {
		return false, err
	}
	if !o.yes && !canAsk(inv) {
		return false, cli.Usagef("%s wants the deployment confirmed, and there is no terminal to ask on", by).WithHint(inv.Again("--yes"))
	}
	return true, nil
}

// checkedBy is what wants a deployment to be confirmed; empty: nothing does. An
// account that can not be asked is taken to want it.
func (o *options) checkedBy(ctx context.Context, inv *cli.Invocation, s *session.Session) (string, error) {
	switch {
	case o.check:
		return "--check", nil
	case isTrue(inv.Getenv("FAL_DEPLOY_CHECK")):
		return "FAL_DEPLOY_CHECK", nil
	case s.Config.Team.Value == "":
		return "", nil
	}
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	required, err := s.Client.Accounts.RequiresDeployCheck(ctx)
	const account = "the account"
	switch {
	case errors.Is(err, fal.ErrUnauthenticated), errors.Is(err, fal.ErrPermissionDenied), errors.Is(err, fal.ErrCanceled):
		return "", s.Error(err)
	case errors.Is(err, fal.ErrUnavailable), errors.Is(err, fal.ErrDeadlineExceeded):
		notice(inv, "the account's policy is not known: "+err.Error())
		return account, nil
	case err != nil:
		notice(inv, "the account's policy is not known, and does not count: "+err.Error())
		return "", nil
	case required:
		return account, nil
	}
	return "", nil
}

// isTrue reads a variable as the official client does.
func isTrue(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "0", "false":
		return false
	}
	return true
}

// confirm shows what a deployment changes and has it confirmed. Behind the
// answer the app must be as it was shown.
func (o *options) confirm(ctx context.Context, inv *cli.Invocation, display *progress.Display, jobs ...*job) error {
	shown := jobs[:0:0]
	for _, j := range jobs {
		planned, err := j.plan(ctx)
		if err != nil && (!o.all || interrupted(ctx)) {
			return err
		}
		if err != nil {
			j.leaveOut(err)
			continue
		}
		shown = append(shown, j)
		for i, line := range j.summary(planned).Lines() {
			if i == 0 {
				line = inv.IO.PaintErr(iostreams.Bold, line)
			}
			display.Say(line)
		}
		j.shown = planned.PreviousRevision
	}
	jobs = shown
	if o.yes || len(jobs) == 0 {
		return nil
	}
	what := jobs[0].name()
	if len(jobs) > 1 {
		what = fmt.Sprintf("%d apps", len(jobs))
	}
	var answer string
	var err error
	display.Pause(func() {
		answer, err = inv.IO.ReadLine(ctx, "Type "+confirmation+" to deploy "+what+": ")
	})
	switch {
	case err != nil && interrupted(ctx):
		return stopped("nothing was deployed")
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case strings.ToLower(strings.TrimSpace(answer)) != confirmation:
		return cli.Failuref("nothing was deployed")
	}
	for _, j := range jobs {
		err := j.stillAsShown(ctx)
		if err != nil && !o.all {
			return err
		}
		j.err = err
	}
	return nil
}

// stillAsShown refuses an app that points to another revision by now.
func (j *job) stillAsShown(ctx context.Context) error {
	ctx, cancel := j.inv.RequestContext(ctx)
	defer cancel()
	so := "nothing was deployed"
	if j.o.all {
		so = "it is left out"
	}
	now, err := j.current(ctx)
	switch {
	case err != nil:
		return j.session.Error(err)
	case now == nil && j.shown != nil:
		return cli.Failuref("%s is gone by now: %s", j.name(), so)
	case now != nil && (j.shown == nil || *j.shown != now.Revision):
		return cli.Failuref("%s points to revision %s by now: %s", j.name(), now.Revision, so)
	}
	return nil
}
