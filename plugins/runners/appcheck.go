package runners

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// checkApps makes sure that an app of --app which no runner is of exists. An
// app with runners needs no question.
func (j *job) checkApps(ctx context.Context) error {
	for _, app := range j.apps {
		if slices.ContainsFunc(j.now, func(r view.Runner) bool { return r.Alias == app }) {
			continue
		}
		if err := j.checkApp(ctx, app); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) checkApp(ctx context.Context, name string) error {
	ctx, cancel := j.inv.RequestContext(ctx)
	defer cancel()
	_, environment := fal.SplitAlias(name)
	var there []string
	for app, err := range appsIn(ctx, j.session, environment) {
		if err != nil {
			return j.session.Error(err)
		}
		if app.Alias == name {
			return nil
		}
		there = append(there, app.Alias)
	}
	e := &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("app %s not found", name)}
	if near := suggest.Near(name, there); len(near) > 0 {
		return e.WithHint("did you mean " + strings.Join(near, " or ") + "?")
	}
	return e.WithHint("`fal runners list` shows the runners that there are, and their apps")
}
