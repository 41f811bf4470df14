package environments

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

const (
	// emptyingPatience is how long an error waits for what is in the way.
	emptyingPatience = 2 * time.Second
	// mostNamed is how many apps or secrets a line deletes by name.
	mostNamed = 8
)

// emptying adds to the error of a service that does not delete what is not
// empty the lines that empty it.
func emptying(ctx context.Context, s *session.Session, environment string, err error) error {
	var own *cli.Error
	if !errors.Is(err, fal.ErrFailedPrecondition) || !errors.As(err, &own) || ctx.Err() != nil {
		return err
	}
	client, failed := s.ClientIn(environment)
	if failed != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, emptyingPatience)
	defer cancel()
	in := " --env " + cli.Quote(environment)
	apps := names(client.Apps.List(ctx, nil), fal.AppInfo.Name)
	secrets := names(client.Secrets.List(ctx, nil), func(secret fal.Secret) string { return secret.Name })
	return own.WithHint(append(deleting("fal apps list", "fal apps delete", in, apps), deleting("fal secrets list", "fal secrets unset", in, secrets)...)...)
}

// names are those of what is listed, as far as the service tells.
func names[T any](all iter.Seq2[T, error], name func(T) string) []string {
	var found []string
	for one, err := range all {
		if err != nil {
			break // a hint is not worth another error
		}
		found = append(found, cli.Quote(name(one)))
	}
	return found
}

// deleting is the line that deletes what has these names; none for no names.
func deleting(list, remove, in string, names []string) []string {
	switch {
	case len(names) == 0:
		return nil
	case len(names) > mostNamed:
		return []string{list + in + " -o name | xargs " + remove + in}
	}
	return []string{remove + " " + strings.Join(names, " ") + in}
}
