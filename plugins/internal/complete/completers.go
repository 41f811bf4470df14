package complete

import (
	"context"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Runners completes the id of a runner that is alive, with its app, state and
// age.
func (v Values) Runners() cli.Completer { return v.all(runners) }

// Apps completes the name of an app in the environment that the line names.
func (v Values) Apps() cli.Completer { return v.all(apps) }

// Keys completes the id of a key, with its scope and description.
func (v Values) Keys() cli.Completer { return v.all(keys) }

// Secrets completes the name of a secret in the environment that the line
// names.
func (v Values) Secrets() cli.Completer { return v.all(secrets) }

// Environments completes the name of an environment.
func (v Values) Environments() cli.Completer { return v.all(environments) }

// all completes all that there are of a kind.
func (v Values) all(name string) cli.Completer {
	return func(ctx context.Context, c *cli.Completion) []cli.Candidate {
		return v.offer(v.known(ctx, c, c.Invocation(), query{kind: kindNamed(name)}))
	}
}

// offer turns what is known into candidates.
func (v Values) offer(items []item) []cli.Candidate {
	now := v.time()
	found := make([]cli.Candidate, len(items))
	for i := range items {
		found[i] = cli.Candidate{Value: items[i].Name, Description: items[i].describe(now)}
	}
	return found
}

// Accounts completes the nickname of an account that the credentials may act
// as. Where personal is not nil and true for the line, that is whoever is logged
// in, whatever key there is.
func (v Values) Accounts(personal func(*cli.Invocation) bool) cli.Completer {
	return func(ctx context.Context, c *cli.Completion) []cli.Candidate {
		inv := c.Invocation()
		q := query{kind: kindNamed(accounts), person: personal != nil && personal(inv)}
		return v.offer(v.known(ctx, c, inv, q))
	}
}

// Revisions completes the id of a revision: of the app that is the first
// argument of the line, and of all apps where there is none.
func (v Values) Revisions() cli.Completer {
	return func(ctx context.Context, c *cli.Completion) []cli.Candidate {
		inv := c.Invocation()
		q := query{kind: kindNamed(revisions)}
		if len(c.Args) > 0 && c.Command.Args[0].Name == "APP" {
			app := c.Args[0]
			if _, environment := fal.SplitAlias(app); inv.Environment == "" {
				inv.Environment = environment
			}
			q.of = bare(app, inv.Environment)
		}
		return v.offer(v.known(ctx, c, inv, q))
	}
}

// bare is the name of an app without its environment.
func bare(app, environment string) string {
	if environment == "" {
		return app
	}
	if name := strings.TrimSuffix(app, "--"+environment); name != "" {
		return name
	}
	return app
}

// Aliases completes the name of an app, with its environment unless that is
// main: of those that have runners and of those that are known.
func (v Values) Aliases() cli.Completer {
	return func(ctx context.Context, c *cli.Completion) []cli.Candidate {
		inv := c.Invocation()
		return v.aliases(inv, v.known(ctx, c, inv, query{kind: kindNamed(runners)}), "")
	}
}

// aliases are those of Aliases behind a prefix, for the runners that there are.
func (v Values) aliases(inv *cli.Invocation, alive []item, prefix string) []cli.Candidate {
	count := make(map[string]int)
	for _, r := range alive {
		count[r.App]++
	}
	abouts := make(map[string]string)
	for _, a := range v.kept(inv, query{kind: kindNamed(apps)}) {
		abouts[a.Alias] = a.About
	}
	for alias, n := range count {
		abouts[alias] = view.Count(n, "runner")
	}
	delete(abouts, "") // of runners without an app
	var found []cli.Candidate
	for alias, about := range abouts {
		found = append(found, cli.Candidate{Value: prefix + alias, Description: about})
	}
	slices.SortFunc(found, func(a, b cli.Candidate) int { return strings.Compare(a.Value, b.Value) })
	return found
}

// RunnersOrAliases completes what a log is shown of: the id of a runner, or
// prefix and the name of an app.
func (v Values) RunnersOrAliases(prefix string) cli.Completer {
	return func(ctx context.Context, c *cli.Completion) []cli.Candidate {
		inv := c.Invocation()
		alive := v.known(ctx, c, inv, query{kind: kindNamed(runners)})
		var found []cli.Candidate
		if !strings.HasPrefix(c.Word, prefix) {
			found = v.offer(alive)
		}
		return append(found, v.aliases(inv, alive, prefix)...)
	}
}

// MachineTypes completes a type of machine, of those that apps and runners are
// known to have.
func (v Values) MachineTypes() cli.Completer {
	return func(ctx context.Context, c *cli.Completion) []cli.Candidate {
		inv := c.Invocation()
		seen := make(map[string]bool)
		for _, items := range [][]item{v.known(ctx, c, inv, query{kind: kindNamed(apps)}), v.kept(inv, query{kind: kindNamed(runners)})} {
			for _, i := range items {
				for _, m := range i.Machines {
					seen[m] = true
				}
			}
		}
		delete(seen, "")
		var found []cli.Candidate
		for m := range seen {
			found = append(found, cli.Candidate{Value: m})
		}
		slices.SortFunc(found, func(a, b cli.Candidate) int { return strings.Compare(a.Value, b.Value) })
		return found
	}
}

// Profiles completes the name of a profile of the configuration file.
func Profiles() cli.Completer {
	return func(_ context.Context, c *cli.Completion) []cli.Candidate {
		profiles, err := session.Profiles(c.Invocation())
		if err != nil {
			return nil
		}
		var found []cli.Candidate
		for _, p := range profiles {
			candidate := cli.Candidate{Value: p.Name}
			if p.Default {
				candidate.Description = "the default"
			}
			found = append(found, candidate)
		}
		return found
	}
}
