package complete

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Kinds of things, as the cache and the process in the background are told.
const (
	runners      = "runners"
	apps         = "apps"
	revisions    = "revisions"
	keys         = "keys"
	secrets      = "secrets"
	environments = "environments"
	accounts     = "nicknames" // "accounts" are what the session keeps for itself
)

// kind is a kind of things that have names.
type kind struct {
	name        string
	environment bool // they lie in one
	account     bool // they are the login's, whatever account it acts for
	rest        bool // they are asked for on the REST side
	list        func(ctx context.Context, s *session.Session, of string, now time.Time) ([]item, error)
}

// kinds are all of them.
func kinds() []kind {
	return []kind{
		{name: runners, list: func(ctx context.Context, s *session.Session, _ string, now time.Time) ([]item, error) {
			return collect(s.Client.Runners.List(ctx, nil), func(r fal.Runner) item { return ofRunner(view.NewRunner(r), now) })
		}},
		{name: apps, environment: true, list: func(ctx context.Context, s *session.Session, _ string, _ time.Time) ([]item, error) {
			return collect(s.Client.Apps.List(ctx, nil), ofApp)
		}},
		{name: revisions, environment: true, list: func(ctx context.Context, s *session.Session, app string, _ time.Time) ([]item, error) {
			return collect(s.Client.Apps.Revisions(ctx, &fal.AppsRevisionsParams{App: app}), ofRevision)
		}},
		{name: keys, list: func(ctx context.Context, s *session.Session, _ string, _ time.Time) ([]item, error) {
			return collect(s.Client.Keys.List(ctx, nil), ofKey)
		}},
		{name: secrets, environment: true, list: func(ctx context.Context, s *session.Session, _ string, _ time.Time) ([]item, error) {
			return collect(s.Client.Secrets.List(ctx, nil), ofSecret)
		}},
		{name: environments, list: func(ctx context.Context, s *session.Session, _ string, _ time.Time) ([]item, error) {
			return collect(s.Client.Environments.List(ctx, nil), ofEnvironment)
		}},
		{name: accounts, account: true, rest: true, list: func(ctx context.Context, s *session.Session, _ string, _ time.Time) ([]item, error) {
			return collect(s.Client.Accounts.List(ctx, nil), ofAccount)
		}},
	}
}

// kindNamed finds a kind; that of another name lists nothing.
func kindNamed(name string) kind {
	for _, k := range kinds() {
		if k.name == name {
			return k
		}
	}
	return kind{}
}

// collect takes as many as are kept.
func collect[T any](all iter.Seq2[T, error], itemOf func(T) item) ([]item, error) {
	var items []item
	for t, err := range all {
		if err != nil {
			return nil, err
		}
		if items = append(items, itemOf(t)); len(items) == most {
			break
		}
	}
	return items, nil
}

func ofRunner(r view.Runner, now time.Time) item {
	i := item{Name: r.RunnerID, App: r.Alias, About: r.State, Began: now.Unix() - int64(r.UptimeSeconds)}
	if r.MachineType != "" {
		i.Machines = []string{r.MachineType}
	}
	return i
}

func ofApp(a fal.AppInfo) item {
	return item{Name: a.Name(), Alias: a.Alias, About: about(a.AuthMode.String(), strings.Join(a.MachineTypes, " "), view.Count(a.ActiveRunners, "runner")), Machines: a.MachineTypes}
}

func ofRevision(r fal.Revision) item {
	i := item{Name: r.ID, About: about(strings.Join(r.MachineTypes, " "), view.Count(r.ActiveRunners, "runner")), Machines: r.MachineTypes}
	return i.since(r.CreatedAt)
}

func ofKey(k fal.KeyInfo) item {
	return item{Name: k.ID, About: about(k.Scope.String(), k.Description)}
}

func ofSecret(s fal.Secret) item { return item{Name: s.Name}.since(s.CreatedAt) }

func ofEnvironment(e fal.Environment) item {
	i := item{Name: e.Name}
	if e.Default {
		i.About = "default"
	}
	if e.Description != nil {
		i.About = about(i.About, *e.Description)
	}
	return i
}

func ofAccount(a fal.Account) item {
	return item{Name: a.Nickname, About: about(a.Type.String(), a.FullName)}
}

// since adds an age to what was created at t, if that is known.
func (i item) since(t time.Time) item {
	if !t.IsZero() {
		i.Began = t.Unix()
	}
	return i
}

// about joins what is known, in one line that is not too long.
func about(parts ...string) string {
	const longest = 80 // runes
	var known []string
	for _, p := range parts {
		if p != "" {
			known = append(known, p)
		}
	}
	text := []rune(strings.Join(known, ", "))
	if len(text) > longest {
		text = append(text[:longest-1], '…')
	}
	return string(text)
}
