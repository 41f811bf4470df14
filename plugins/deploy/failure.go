package deploy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// How long the app is looked at behind a failure, and behind Ctrl-C, where
// somebody waits for the end.
const (
	lookAfter      = 5 * time.Second
	lookWhenBroken = 2 * time.Second
)

// failure is the error of a deployment that did not come to its end: what was
// under way, what went wrong, and what can be done.
func (j *job) failure(ctx context.Context, err error) error {
	var own *cli.Error
	if errors.As(err, &own) {
		return err
	}
	var failed *fal.DeployError
	if !errors.As(err, &failed) {
		return j.session.Error(err)
	}
	cause := j.session.Error(failed.Err)
	if !errors.As(cause, &own) {
		own = &cli.Error{Message: cause.Error(), Err: err}
		own.Exit = cli.ExitCode(cause)
	}
	j.previous = failed.Previous
	var looked error
	if failed.Phase == fal.DeployRegister {
		j.revision, looked = j.registered(ctx, failed)
		if j.revision != "" && j.attached() {
			return j.rolloutFailed(ctx, own, failed)
		}
	}
	if failed.Phase != "" {
		own.Message = stepOf(failed.Phase).Doing + ": " + own.Message
	}
	if looked != nil && (errors.Is(err, fal.ErrUnavailable) || errors.Is(err, fal.ErrDeadlineExceeded)) {
		own.Message += "; whether " + j.name() + " was registered, and how its rollout went, is not known"
		own.WithHint("`" + j.again("status") + "` tells, once the service answers")
	}
	if j.revision != "" {
		own.WithHint(fmt.Sprintf("revision %s of %s is registered: `%s` shows its runners", j.revision, j.name(), j.again("status")))
	}
	if failed.Phase == fal.DeployUpload {
		own.WithHint(j.uploadsStay())
	}
	if failed.Phase == fal.DeployMetadata {
		own.WithHint(missingModule(own.Message, j.loaded.App.Entrypoint)...)
	}
	if errors.Is(err, fal.ErrNotFound) {
		own.WithHint(j.environmentHints(ctx)...)
	}
	return own
}

// missingModule is what to do about a module that the environment lacks in which an
// entry point is loaded.
func missingModule(message, entrypoint string) []string {
	found := regexp.MustCompile(`No module named '([^']+)'`).FindStringSubmatch(message)
	if found == nil {
		return nil
	}
	module, _, _ := strings.Cut(found[1], ".")
	if own, _, _ := strings.Cut(entrypoint, ":"); own == module || strings.HasPrefix(own, module+".") {
		return []string{fmt.Sprintf("%s is a package of your own: requirements names its folder, mostly \".\"", module)}
	}
	return []string{fmt.Sprintf("requirements has to name the package that %s comes from: nothing is installed that is not in it", module)}
}

// uploadsStay is what there is to know of uploads that did not come to their end.
func (j *job) uploadsStay() string {
	stays := "files"
	if j.params.Uploads != nil {
		stays = "files and parts"
	}
	return "nothing was deployed; " + stays + " that are there already are not sent again"
}

// attached reports whether the end of the rollout is waited for.
func (j *job) attached() bool { return j.params.Attach != nil && *j.params.Attach }

// registered is the revision that was registered before something failed. If the
// service has not told which, it is the one that the app points to now; empty if
// that is none or the one before. The error is why it cannot be found out.
func (j *job) registered(ctx context.Context, failed *fal.DeployError) (string, error) {
	if failed.Revision != "" {
		return failed.Revision, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookAfter)
	defer cancel()
	now, err := j.current(ctx)
	if err != nil || now == nil || now.Revision == failed.Previous {
		return "", err
	}
	return now.Revision, nil
}

// rolloutFailed is the error of an app that is registered, and whose runners do
// not come up.
func (j *job) rolloutFailed(ctx context.Context, own *cli.Error, failed *fal.DeployError) error {
	where := ""
	switch {
	case strings.Contains(own.Message, j.revision): // the service has said it
	case failed.Revision != "":
		where = "; its revision is " + j.revision
	default:
		where = fmt.Sprintf("; %s points to revision %s now", j.name(), j.revision)
	}
	if errors.Is(failed, fal.ErrUnavailable) {
		own.Message = "registered, and how its rollout went is not known: " + own.Message + where
		return own.WithHint("`" + j.again("status") + " --wait` waits for the rollout")
	}
	own.Message = "registered, but its rollout failed: " + own.Message + where
	own.WithHint("the service may keep trying to start it: `" + j.again("status") + "` shows how far it is")
	if hint := j.wayBack(ctx, failed.Previous); hint != "" {
		own.WithHint(hint)
	}
	return own.WithHint(fmt.Sprintf("`fal runners logs %s%s` shows what its runners say", cli.Quote("app/"+j.alias()), j.teamFlag()))
}

// environmentHints are for an environment that is not there; none for one that
// is, or that can not be looked up.
func (j *job) environmentHints(ctx context.Context) []string {
	wanted := j.environment()
	if wanted == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookAfter)
	defer cancel()
	var names []string
	for e, err := range j.session.Client.Environments.List(ctx, nil) {
		if err != nil || e.Name == wanted {
			return nil
		}
		names = append(names, e.Name)
	}
	hints := []string{
		"`fal environments create " + cli.Quote(wanted) + j.teamFlag() + "` makes it",
		"`fal environments list" + j.teamFlag() + "` shows those that are there",
	}
	if near := suggest.Nearest(wanted, names); near != "" {
		hints = append([]string{"did you mean " + near + "?"}, hints...)
	}
	return hints
}

// interruption says in which state Ctrl-C left the deployment.
func (j *job) interruption(ctx context.Context, err error) error {
	var failed *fal.DeployError
	if !errors.As(err, &failed) {
		return nothingSent()
	}
	j.previous = failed.Previous
	if failed.Phase == fal.DeployRegister {
		return stopped(j.pointsTo(ctx, failed)).WithHint("`" + j.again("status") + "` shows how far it is")
	}
	return stopped(j.left(failed.Phase))
}

// left is the state that a deployment leaves which is broken off in a phase
// before that of the registration.
func (j *job) left(phase fal.DeployPhase) string {
	switch phase {
	case fal.DeployUpload:
		return j.uploadsStay()
	case fal.DeployBuild:
		return "nothing was deployed; the service may go on with the build"
	case fal.DeployMetadata:
		return "nothing was deployed; the environment is built"
	}
	return nothingWasSent
}

// pointsTo says which revision the app points to. Until its rollout is through,
// the one before may serve, if it has runners that do.
func (j *job) pointsTo(ctx context.Context, failed *fal.DeployError) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookWhenBroken)
	defer cancel()
	revision := failed.Revision
	if revision == "" {
		found, err := j.current(ctx)
		switch {
		case err != nil:
			return "the new revision of " + j.name() + " may be registered or not"
		case found == nil:
			return j.name() + " is not there yet; the service may still register it"
		case found.Revision == failed.Previous:
			return fmt.Sprintf("%s points to revision %s as before; the service may still register the new one", j.name(), found.Revision)
		}
		revision = found.Revision
	}
	j.revision = revision
	text := fmt.Sprintf("%s points to revision %s, and its rollout goes on", j.name(), revision)
	if failed.Previous != "" && j.isUp(ctx, failed.Previous) {
		text += "; " + failed.Previous + " may still serve"
	}
	return text
}

// current is the app as it is; nil if it is not there.
func (j *job) current(ctx context.Context) (*fal.AppInfo, error) {
	alias := j.alias()
	for a, err := range j.session.Client.Apps.List(ctx, nil) {
		if err != nil {
			return nil, err
		}
		if a.Alias == alias {
			return &a, nil
		}
	}
	return nil, nil
}

// alias is the app's name with its environment.
func (j *job) alias() string {
	return fal.JoinAlias(j.loaded.App.Name, j.session.Config.Environment.Value)
}

const nothingWasSent = "nothing was sent"

func nothingSent() *cli.Error { return stopped(nothingWasSent) }

// stopped is the error of a deployment that Ctrl-C ended. It does not wrap the
// context's, whose text is not printed.
func stopped(state string) *cli.Error {
	return &cli.Error{Code: "interrupted", Exit: cli.ExitInterrupted, Message: "interrupted: " + state}
}
