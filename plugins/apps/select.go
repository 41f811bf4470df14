package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// nearest bounds how many names are suggested for one that is not there.
const nearest = 3

// appArg is the argument of a command that takes one app. The command has
// Environment set, and opens its session with open.
func (d dependencies) appArg(name *string) cli.Arg {
	return cli.Arg{Name: "APP", Usage: "an app, or APP--ENV for one in an environment", Value: cli.NonEmpty(name), Complete: d.values.Apps()}
}

// inMain ends the name of an app in main where that is said. The service calls
// it by its bare name.
const inMain = "--main"

// open makes the session of a command that was given apps by name. Without
// --env a name such as checkout--staging says by itself which environment it is
// in, before FAL_ENV does; with --env, main too, names are taken as they are.
// The service is asked about one environment at a time, so all names must be
// in the same one. A name that ends in --main loses that where main is meant.
func (d dependencies) open(ctx context.Context, inv *cli.Invocation, apps ...*string) (*session.Session, error) {
	if inv.Environment == "" {
		environment, err := environmentOf(apps)
		if err != nil {
			return nil, err
		}
		if environment != "" {
			own := *inv
			own.Environment = environment
			inv = &own
		}
	}
	s, err := d.connect(ctx, inv)
	if err != nil {
		return nil, err
	}
	if strings.TrimPrefix(inMain, "--") == s.Config.Environment.Value {
		for _, app := range apps {
			*app = withoutMain(*app)
		}
	}
	return s, nil
}

// each are the names in a list, for open.
func each(apps []string) []*string {
	names := make([]*string, len(apps))
	for i := range apps {
		names[i] = &apps[i]
	}
	return names
}

func withoutMain(app string) string {
	if name := strings.TrimSuffix(app, inMain); name != "" {
		return name
	}
	return app
}

// environmentOf is the environment that names agree on, "" if none names one.
func environmentOf(apps []*string) (string, error) {
	environment := ""
	for i, app := range apps {
		_, own := fal.SplitAlias(*app)
		if withoutMain(*app) != *app {
			own = strings.TrimPrefix(inMain, "--")
		}
		if i > 0 && own != environment {
			return "", cli.Usagef("%s and %s are not in the same environment", *apps[0], *app).
				WithHint("one command works in one environment: run it once for each")
		}
		environment = own
	}
	return environment, nil
}

// bareName is the name of an app without the suffix of its environment.
func bareName(app, environment string) string {
	suffix := strings.TrimPrefix(fal.JoinAlias(app, environment), app)
	return strings.TrimSuffix(app, suffix)
}

// aliasIn is the whole alias of an app, whichever way it was named.
func aliasIn(app, environment string) string {
	return fal.JoinAlias(bareName(app, environment), environment)
}

// list gets the apps of the session's environment in one bounded request.
func list(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]fal.AppInfo, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var apps []fal.AppInfo
	for a, err := range complete.KeepApps(s, s.Client.Apps.List(ctx, nil)) {
		if err != nil {
			return nil, noEnvironment(s, err)
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// noEnvironment is the error of a call that names nothing but the environment.
func noEnvironment(s *session.Session, err error) error {
	err = s.Error(err)
	var own *cli.Error
	if errors.Is(err, fal.ErrNotFound) && errors.As(err, &own) {
		return own.WithHint("`fal environments list` shows those that are there")
	}
	return err
}

// wireError is the error of a call about an app. When something was not found,
// one more request tells whether it is the environment or the app, and which
// app may have been meant; of something else, shownBy is the command that shows
// what is there.
func wireError(ctx context.Context, inv *cli.Invocation, s *session.Session, app string, err error, shownBy string) error {
	err = s.Error(err)
	var own *cli.Error
	if !errors.Is(err, fal.ErrNotFound) || !errors.As(err, &own) {
		return err
	}
	apps, listErr := list(ctx, inv, s)
	if errors.Is(listErr, fal.ErrNotFound) {
		return listErr
	}
	if listErr == nil {
		if _, missing := find(s, apps, app); missing != nil {
			return missing
		}
	}
	return own.WithHint("`" + shownBy + "` shows those that are there")
}

// find returns the app with a name among those of the session's environment,
// or an error that suggests the nearest names.
func find(s *session.Session, apps []fal.AppInfo, name string) (fal.AppInfo, error) {
	environment := s.Config.Environment.Value
	alias := aliasIn(name, environment)
	i := slices.IndexFunc(apps, func(a fal.AppInfo) bool { return a.Alias == alias })
	if i < 0 {
		return fal.AppInfo{}, notFound(s, name, apps)
	}
	return apps[i], nil
}

// notFound says that an app is not there, and which ones may have been meant.
func notFound(s *session.Session, name string, apps []fal.AppInfo) *cli.Error {
	environment := s.Config.Environment.Value
	name = bareName(name, environment)
	e := &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("app %s not found", name)}
	if fal.JoinAlias(name, environment) != name {
		e.Message += " in environment " + environment
	}
	if near := nearestNames(name, apps); len(near) > 0 {
		return e.WithHint("did you mean " + strings.Join(near, " or ") + "?")
	}
	return e.WithHint("`" + appsListed(s) + "` shows those that are there")
}

// nearestNames are the names that a misspelt one may stand for, nearest first.
func nearestNames(word string, apps []fal.AppInfo) []string {
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	for _, a := range apps {
		if far, ok := suggest.Distance(word, a.Name()); ok {
			near = append(near, candidate{a.Name(), far})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range near[:min(len(near), nearest)] {
		names = append(names, c.name)
	}
	return names
}
