package secrets

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

const environmentsListed = "`fal environments list` shows those that are there"

// secretsListed hints at the secrets that can be named.
func secretsListed(s *session.Session) string {
	line := "fal secrets list"
	if environment := s.Config.Environment.Value; environment != "" {
		line += " --env " + cli.Quote(environment)
	}
	return "`" + line + "` shows those that are there"
}

// didYouMean hints at the names that misspelt ones may stand for, or at those
// that there are.
func didYouMean(words, names []string, otherwise string) []string {
	var near []string
	var hints []string
	for _, word := range words {
		name := suggest.Nearest(word, names)
		switch {
		case name == "":
			hints = []string{otherwise}
		case !slices.Contains(near, name):
			near = append(near, name)
		}
	}
	if len(near) > 0 {
		hints = append([]string{"did you mean " + strings.Join(near, " or ") + "?"}, hints...)
	}
	return hints
}

// notFound returns the error of the command line for a call in which something
// was not found; nil for other errors.
func notFound(s *session.Session, err error) *cli.Error {
	var own *cli.Error
	if !errors.Is(err, fal.ErrNotFound) || !errors.As(s.Error(err), &own) {
		return nil
	}
	return own
}

// noEnvironment is the error of a call that can miss nothing but the
// environment. One more request tells which one may have been meant.
func noEnvironment(ctx context.Context, inv *cli.Invocation, s *session.Session, err error) error {
	missing, environment := notFound(s, err), s.Config.Environment.Value
	if missing == nil || environment == "" {
		return s.Error(err)
	}
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var names []string
	for e, err := range s.Client.Environments.List(ctx, nil) {
		if err != nil {
			break // a hint is not worth another error
		}
		names = append(names, e.Name)
	}
	return missing.WithHint(didYouMean([]string{environment}, names, environmentsListed)...)
}

// A finder tells what secrets may have been meant by names that are not there.
// It asks the service once.
type finder struct {
	asked bool
	hint  func(name string) []string
}

func (f *finder) explain(ctx context.Context, inv *cli.Invocation, s *session.Session, name string, err error) error {
	missing := notFound(s, err)
	if missing == nil {
		return s.Error(err)
	}
	if !f.asked {
		f.asked, f.hint = true, hinting(ctx, inv, s)
	}
	return missing.WithHint(f.hint(name)...)
}

func hinting(ctx context.Context, inv *cli.Invocation, s *session.Session) func(name string) []string {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var names []string
	for secret, err := range s.Client.Secrets.List(ctx, nil) {
		if errors.Is(err, fal.ErrNotFound) {
			return func(string) []string { return []string{environmentsListed} }
		}
		if err != nil {
			break // a hint is not worth another error
		}
		names = append(names, secret.Name)
	}
	return func(name string) []string { return didYouMean([]string{name}, names, secretsListed(s)) }
}
