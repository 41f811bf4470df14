package runners

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// appPatience is how long an error waits for whether an app was meant.
const appPatience = 2 * time.Second

// orApp is err, unless that says that no runner is called word and an app is:
// then it says so, with a command line for the app by its whole alias.
func orApp(ctx context.Context, s *session.Session, word string, err error, instead func(alias string) string) error {
	var own *cli.Error
	if !errors.As(err, &own) || own.Exit != cli.ExitNotFound || runnerlist.IsFullID(word) || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, appPatience)
	defer cancel()
	_, environment := fal.SplitAlias(word)
	for app, listing := range appsIn(ctx, s, environment) {
		if listing != nil {
			return err // which is what counts
		}
		if app.Alias == word {
			return &cli.Error{Code: own.Code, Exit: own.Exit, Message: fmt.Sprintf("runner %s not found: %s is an app", word, word),
				Hint: []string{instead(cli.Quote(app.Alias))}}
		}
	}
	return err
}

// runnersOf is where a command that takes one runner is led.
func runnersOf(alias string) string {
	return "`fal runners list --app " + alias + " -o name` names its runners"
}
