package environments

import (
	"context"
	"errors"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// hint is what may have been meant by the name of an environment that is not
// there.
func hint(name string, all []view.Environment) string {
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Name
	}
	if near := suggest.Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "`fal environments list` shows those that are there"
}

// A finder hints at what may have been meant once the service found something
// not. It asks the service once.
type finder struct {
	dependencies
	asked bool
	all   []view.Environment
}

func (f *finder) explain(ctx context.Context, inv *cli.Invocation, s *session.Session, name string, err error) error {
	shown := s.Error(err)
	var own *cli.Error
	if !errors.Is(err, fal.ErrNotFound) || !errors.As(shown, &own) {
		return shown
	}
	if !f.asked {
		f.asked = true
		f.all, _ = f.collect(ctx, inv, s) // a hint is not worth another error
	}
	return own.WithHint(hint(name, f.all))
}
