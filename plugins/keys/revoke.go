package keys

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type revokeOptions struct {
	dependencies

	ids    []string
	force  bool
	yes    bool
	dryRun bool
}

func newRevoke(d dependencies) *cli.Command {
	o := &revokeOptions{dependencies: d}
	return &cli.Command{
		Name:    "revoke",
		Aliases: []string{"delete", "rm"},
		Summary: "Revoke keys",
		Description: "A revoked key is refused from then on, and can not be restored. On a terminal the keys are shown and asked about.\n\n" +
			"The key that this command itself uses is revoked with --force only, and as the last one.",
		Args:   []cli.Arg{{Name: "ID", Usage: "a key, by its id or a unique beginning of it", Repeat: true, Value: cli.Func(o.addID), Complete: d.values.Keys()}},
		Output: cli.Text,
		JSON:   view.KeyActionList{},
		Flags: []*cli.Flag{
			{Name: "force", Value: cli.Bool(&o.force), Usage: "revoke the key in use too"},
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be revoked, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "one key", Line: "fal keys revoke 19aa4c02"},
			{Comment: "all keys made for a job that is gone", Line: `fal keys list --jq '.keys[] | select(.description == "old ci").key_id' | xargs fal keys revoke`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runRevoke(ctx, inv, o) },
	}
}

// addID takes an argument. A whole key in its place is refused, and not
// repeated.
func (o *revokeOptions) addID(text string) error {
	id, _, whole := strings.Cut(text, ":")
	switch {
	case strings.TrimSpace(id) == "":
		return cli.Usagef("the ID of a key is empty")
	case whole:
		return cli.Usagef("a key is revoked by its id, which is the part before the colon").WithHint("fal keys revoke " + cli.Quote(id))
	}
	o.ids = append(o.ids, id)
	return nil
}

func runRevoke(ctx context.Context, inv *cli.Invocation, o *revokeOptions) error {
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	asks := inv.IO.InTerminal() && inv.IO.ErrTerminal() && !o.yes && !o.dryRun
	targets, err := o.targets(ctx, inv, s, asks)
	if err != nil {
		return err
	}
	if !o.force && slices.ContainsFunc(targets, func(k view.Key) bool { return k.InUse }) {
		return cli.Usagef("key %s is the one in use: this command and others would be refused from then on", s.Config.Credentials.KeyID).
			WithHint(inv.Again("--force"))
	}
	if o.dryRun {
		return printRevoked(ctx, inv, actions(targets, "would"))
	}
	if asks {
		yes, err := inv.IO.Confirm(ctx, question(inv, targets))
		if err != nil {
			return err
		}
		if !yes {
			return cli.Failuref("nothing was revoked")
		}
	}
	return revoke(ctx, inv, s, targets)
}

// question asks about keys, which it has shown before when they are several.
func question(inv *cli.Invocation, targets []view.Key) string {
	if len(targets) == 1 {
		return "Revoke key " + targets[0].KeyID + " (" + targets[0].Summary() + ")?"
	}
	for _, k := range targets {
		fmt.Fprintln(inv.IO.Err, line(k))
	}
	return "Revoke " + view.Count(len(targets), "key") + "?"
}

// targets are the keys that the arguments mean, each once and the key in use
// last: what comes behind it would be refused. Ids in full are taken as they
// are, without a request, unless the keys have to be shown.
func (o *revokeOptions) targets(ctx context.Context, inv *cli.Invocation, s *session.Session, shown bool) ([]view.Key, error) {
	var rows []view.Key
	listed := shown || o.dryRun || slices.ContainsFunc(o.ids, func(id string) bool { return !isFullID(id) })
	if listed {
		var err error
		if rows, err = o.collect(ctx, inv, s); err != nil {
			return nil, err
		}
		slices.SortStableFunc(rows, view.Keys().Compare)
	}
	inUse := s.Config.Credentials.KeyID
	var targets, last []view.Key
	for _, id := range o.ids {
		k := view.Key{KeyID: strings.ToLower(id), InUse: strings.EqualFold(id, inUse)}
		if listed {
			var err error
			if k, err = match(id, rows); err != nil {
				return nil, err
			}
		}
		same := func(other view.Key) bool { return other.KeyID == k.KeyID }
		switch {
		case slices.ContainsFunc(targets, same) || slices.ContainsFunc(last, same):
		case k.InUse:
			last = append(last, k)
		default:
			targets = append(targets, k)
		}
	}
	return append(targets, last...), nil
}

// revoke revokes one key after the other, and says what became of each.
func revoke(ctx context.Context, inv *cli.Invocation, s *session.Session, targets []view.Key) error {
	results := actions(targets, "done")
	ids, failures := make([]string, len(targets)), make([]error, len(targets))
	for i, k := range targets {
		ids[i] = k.KeyID
		if k.InUse && slices.ContainsFunc(failures, func(err error) bool { return err != nil }) {
			failures[i] = cli.Failuref("left as it is, since it is the one in use and others are not revoked yet")
		} else {
			failures[i] = revokeOne(ctx, inv, s, k.KeyID)
		}
		if failures[i] != nil {
			text := failures[i].Error()
			results[i].Result, results[i].Error = "failed", &text
			continue
		}
		inv.Did("revoked %s", k.KeyID)
	}
	// What was done is said, also after Ctrl-C.
	printing := printRevoked(context.WithoutCancel(ctx), inv, results)
	return outcome.Joined(outcome.Failure(outcome.Words{Noun: "key", Done: "revoked"}, ids, failures), printing)
}

func revokeOne(ctx context.Context, inv *cli.Invocation, s *session.Session, id string) error {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	return s.Error(s.Client.Keys.Revoke(ctx, id, nil))
}

func actions(targets []view.Key, result string) []view.KeyAction {
	list := make([]view.KeyAction, len(targets))
	for i, k := range targets {
		list[i] = view.KeyAction{KeyID: k.KeyID, Action: "revoke", Result: result}
		if k.Scope != "" { // it was listed, and not just named
			list[i].Scope, list[i].Description = &k.Scope, &k.Description
		}
	}
	return list
}

// printRevoked says what became of each key: lines, or records when asked for.
func printRevoked(ctx context.Context, inv *cli.Invocation, list []view.KeyAction) error {
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, view.KeyActions(), list)
	}
	words := map[string]string{"done": "revoked ", "would": "would revoke "}
	for _, a := range list {
		if word := words[a.Result]; word != "" {
			if _, err := fmt.Fprintln(inv.IO.Out, word+iostreams.SanitizeLine(a.KeyID)); err != nil {
				return err
			}
		}
	}
	return nil
}
