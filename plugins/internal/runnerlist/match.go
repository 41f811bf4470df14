package runnerlist

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Find returns the one runner that an argument means: an id in full is taken
// as it is, without a request, any other is looked for among the runners that
// are alive and, unless since is zero, those that ended after it.
func Find(ctx context.Context, inv *cli.Invocation, s *session.Session, id string, since time.Time) (view.Runner, error) {
	if IsFullID(id) {
		return Match(id, nil)
	}
	rows, err := Collect(ctx, inv, s, &fal.RunnersListParams{Since: since}, nil)
	if err != nil {
		return view.Runner{}, err
	}
	slices.SortStableFunc(rows, view.Runners(nil).Compare)
	return Match(id, rows)
}

// IsFullID reports whether id is a whole UUID.
func IsFullID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

// Match finds the one runner whose id is, or begins with, the given text. An
// id in full that is not listed is passed on, with no other field than the id.
func Match(id string, rows []view.Runner) (view.Runner, error) {
	if app, ok := strings.CutPrefix(id, AppPrefix); ok {
		return view.Runner{}, cli.Usagef("%s is an app, and this command takes a runner", id).
			WithHint("fal runners list --app " + cli.Quote(app) + " -o name")
	}
	lower := strings.ToLower(id)
	var found []view.Runner
	for _, r := range rows {
		if r.RunnerID == id || r.RunnerID == lower {
			return r, nil
		}
		if strings.HasPrefix(r.RunnerID, lower) || strings.HasPrefix(r.RunnerID, id) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case IsFullID(id):
		return view.Runner{RunnerID: lower}, nil
	case len(found) == 0:
		return view.Runner{}, NotFound(id)
	}
	e := cli.Usagef("%q is the beginning of %d runner ids", id, len(found))
	for _, r := range found[:min(len(found), 10)] {
		e = e.WithHint(Line(r))
	}
	if len(found) > 10 {
		e = e.WithHint(fmt.Sprintf("and %d more", len(found)-10))
	}
	return view.Runner{}, e
}

// NotFound says that no runner is meant by an argument.
func NotFound(id string) error {
	return &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("runner %s not found", id),
		Hint: []string{"`fal runners list` shows those that are alive"}}
}

// Line shows a runner where a question or an error needs it.
func Line(r view.Runner) string {
	parts := []string{r.RunnerID}
	if r.Alias != "" {
		parts = append(parts, r.Alias, r.State, view.Age(r.UptimeSeconds))
	}
	return iostreams.SanitizeLine(strings.Join(parts, "  "))
}
