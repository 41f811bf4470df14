package environments

import (
	"context"
	"iter"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// contents is what is in an environment: "2 apps, 3 secrets", or "" when it is
// empty.
func contents(ctx context.Context, inv *cli.Invocation, s *session.Session, environment string) (string, error) {
	client, err := s.ClientIn(environment)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	apps, err := count(client.Apps.List(ctx, nil))
	if err != nil {
		return "", s.Error(err)
	}
	secrets, err := count(client.Secrets.List(ctx, nil))
	if err != nil {
		return "", s.Error(err)
	}
	var parts []string
	if apps > 0 {
		parts = append(parts, view.Count(apps, "app"))
	}
	if secrets > 0 {
		parts = append(parts, view.Count(secrets, "secret"))
	}
	return strings.Join(parts, ", "), nil
}

func count[T any](all iter.Seq2[T, error]) (n int, err error) {
	for _, err := range all {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
