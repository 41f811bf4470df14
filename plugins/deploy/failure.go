package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// lookAfter bounds the look at the app behind Ctrl-C.
const lookAfter = 5 * time.Second

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
	if failed.Phase != "" {
		own.Message = stepOf(failed.Phase).Doing + ": " + own.Message
	}
	if failed.Revision != "" {
		own.WithHint(fmt.Sprintf("revision %s of %s is registered: `%s` shows its runners", failed.Revision, j.name(), j.again("status")))
	}
	return own
}

// interruption says in which state Ctrl-C left the deployment.
func (j *job) interruption(ctx context.Context, err error) error {
	var failed *fal.DeployError
	if !errors.As(err, &failed) {
		return nothingSent()
	}
	switch failed.Phase {
	case fal.DeployUpload:
		return stopped("nothing was deployed; files that are there already are not sent again")
	case fal.DeployBuild:
		return stopped("nothing was deployed; the service may go on with the build")
	case fal.DeployMetadata:
		return stopped("nothing was deployed; the environment is built")
	case fal.DeployRegister:
		return stopped(j.serves(ctx, failed.Revision)).WithHint("`" + j.again("status") + "` shows how far it is")
	}
	return nothingSent()
}

// serves says which revision the app points to.
func (j *job) serves(ctx context.Context, registered string) string {
	if registered != "" {
		return fmt.Sprintf("%s serves revision %s, and its rollout goes on", j.name(), registered)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookAfter)
	defer cancel()
	found, err := j.current(ctx)
	switch {
	case err != nil:
		return "the new revision of " + j.name() + " may be registered or not"
	case found == nil:
		return j.name() + " is not there yet; the service may still register it"
	}
	return fmt.Sprintf("%s serves revision %s", j.name(), found.Revision)
}

// current is the app as it is; nil if it is not there.
func (j *job) current(ctx context.Context) (*fal.AppInfo, error) {
	alias := fal.JoinAlias(j.loaded.App.Name, j.session.Config.Environment.Value)
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

func nothingSent() *cli.Error { return stopped("nothing was sent") }

// stopped is the error of a deployment that Ctrl-C ended. It does not wrap the
// context's, whose text is not printed.
func stopped(state string) *cli.Error {
	return &cli.Error{Code: "interrupted", Exit: cli.ExitInterrupted, Message: "interrupted: " + state}
}
