package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/dispatch/alias"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func newAlias(d *Dispatcher) *cli.Command {
	return &cli.Command{
		Name:    "alias",
		Aliases: []string{"aliases"},
		Summary: "Set, list and delete words of your own for commands",
		Description: "An alias stands for a command with its flags; what is typed behind it is added. It never takes the place of a command of fal, of an installed plugin or of the official client. " +
			"Aliases are kept in ~/.fal/aliases.toml.",
		Sub: []*cli.Command{newAliasSet(d), newAliasList(d), newAliasDelete(d)},
	}
}

// aliasRow is the JSON contract of `fal alias`.
type aliasRow struct {
	Name    string   `json:"name"`
	Words   []string `json:"words"`
	Warning *string  `json:"warning"`
}

type aliasRows struct {
	Aliases []aliasRow `json:"aliases"`
}

func newAliasSet(d *Dispatcher) *cli.Command {
	var name string
	var words []string
	return &cli.Command{
		Name:        "set",
		Summary:     "Set an alias",
		Description: "Flags of the command stand behind `--`. Each word is kept as it is, with the blanks in it. An alias of that name is replaced.",
		Args: []cli.Arg{
			{Name: "NAME", Usage: "the word to type", Value: cli.NonEmpty(&name), Complete: d.completeAliases},
			{Name: "WORD", Usage: "what it stands for: a command, and anything behind it", Repeat: true, Verbatim: true, Value: cli.Strings(&words)},
		},
		Output: cli.Text,
		Single: true,
		JSON:   aliasRow{},
		Examples: []cli.Example{
			{Comment: "`fal idle` lists what waits for work", Line: "fal alias set idle -- runners list --state idle"},
			{Comment: "`fal prod apps list` works on another account", Line: "fal alias set prod -- --profile prod"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runAliasSet(ctx, inv, d, name, words) },
	}
}

func runAliasSet(ctx context.Context, inv *cli.Invocation, d *Dispatcher, name string, words []string) error {
	if err := d.mayBeAlias(name); err != nil {
		return err
	}
	line, err := Split(words)
	if err != nil {
		return err
	}
	if len(line.Words) > 0 && strings.ContainsAny(line.Words[0], " \t\n") {
		return cli.Usagef("no command is called %q", line.Words[0]).
			WithHint("each word by itself: `fal alias set " + cli.Quote(name) + " -- " + strings.Join(words, " ") + "`")
	}
	replaced := false
	err = d.updateAliases(func(f *alias.File) error {
		_, replaced = f.Find(name)
		return f.Set(name, words)
	})
	if err != nil {
		return err
	}
	row := aliasRow{Name: name, Words: words, Warning: d.aliasWarning(name, words)}
	inv.Did("set the alias %s", name)
	err = output.Object(ctx, inv.Printer, row, func(w io.Writer) error {
		verb := "set"
		if replaced {
			verb = "replaced"
		}
		_, err := fmt.Fprintf(w, "%s %s: %s\n", verb, iostreams.SanitizeLine(name), iostreams.SanitizeLine(lineOf(words)))
		return err
	})
	if row.Warning != nil {
		fmt.Fprintln(inv.IO.Err, "warning: "+iostreams.SanitizeLine(*row.Warning))
	}
	return err
}

// mayBeAlias refuses the names that lead elsewhere before aliases are looked
// at, and those that could not be typed.
func (d *Dispatcher) mayBeAlias(name string) error {
	if !installed.IsName(name) {
		return cli.Usagef("%q can not be typed as the word of a command", name)
	}
	if why := d.taken(name); why != "" {
		return cli.Usagef("%s", why).WithHint("an alias has a name of its own")
	}
	return nil
}

// taken says what else answers `fal NAME`, or "".
func (d *Dispatcher) taken(name string) string {
	if d.finder.IsBuiltin(name) {
		return "`" + name + "` is a command of fal"
	}
	if noun, known := installed.FindNoun(name); known {
		return "`" + name + "` is the command `fal " + noun.Name + "`"
	}
	if match, err := d.Lookup([]string{name}); err == nil {
		return "`" + name + "` is the plugin " + installed.Shown(match.Path)
	}
	return ""
}

// aliasWarning says why an alias does not do what it says, nil when it does.
func (d *Dispatcher) aliasWarning(name string, words []string) *string {
	why := d.taken(name)
	if why != "" {
		why += ", which comes first"
		return &why
	}
	why = d.missing(name, words)
	if why == "" {
		return nil
	}
	return &why
}

// missing says why what an alias stands for is no command, or "". It follows the
// aliases in it.
func (d *Dispatcher) missing(name string, words []string) string {
	f, err := d.aliases()
	if err != nil {
		return "" // it is read before, where this is said
	}
	for passed := []string{name}; ; {
		line, err := Split(words)
		switch {
		case err != nil:
			return err.Error()
		case len(line.Words) == 0 || d.finder.IsBuiltin(line.Words[0]):
			return ""
		}
		next := line.Words[0]
		if _, known := installed.FindNoun(next); known {
			return ""
		}
		if _, err := d.Lookup(line.Words); err == nil {
			return ""
		}
		switch {
		case next == name:
			return "`" + name + "` leads back to itself"
		case slices.Contains(passed, next):
			return "`" + name + "` leads to `" + next + "`, which leads back to itself"
		}
		passed = append(passed, next)
		stands, is := f.Find(next)
		if !is {
			return "`" + passed[len(passed)-2] + "` stands for `fal " + next + "`, which is no command"
		}
		words = slices.Concat(stands, line.Words[1:], line.Rest)
	}
}

// lineOf is a command line to be read, quoted where it must be.
func lineOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = cli.Quote(w)
	}
	return strings.Join(quoted, " ")
}

func (d *Dispatcher) updateAliases(edit func(*alias.File) error) error {
	if d.env.Home == "" {
		return cli.Usagef("no home folder is known, so there is no place for aliases").WithHint("set HOME")
	}
	path := alias.Path(d.env.Home)
	err := alias.Update(path, edit)
	var syntax *alias.SyntaxError
	var own *cli.Error
	switch {
	case errors.As(err, &syntax):
		return unreadable(path, err)
	case err == nil || errors.As(err, &own):
		return err
	}
	return cli.Failuref("cannot write the aliases: %s", err)
}

func newAliasList(d *Dispatcher) *cli.Command {
	v := aliasView()
	return &cli.Command{
		Name:     "list",
		Aliases:  []string{"ls"},
		Summary:  "List aliases",
		Output:   cli.Records,
		JSON:     aliasRows{},
		Examples: []cli.Example{{Comment: "what `fal idle` stands for", Line: `fal alias list --json | jq -r '.aliases[] | select(.name == "idle").words | @sh'`}},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			f, err := d.aliases()
			if err != nil {
				return err
			}
			rows := []aliasRow{}
			for _, a := range f.All() {
				rows = append(rows, aliasRow{Name: a.Name, Words: a.Words, Warning: d.aliasWarning(a.Name, a.Words)})
			}
			return output.List(ctx, inv.Printer, v, rows)
		},
	}
}

func aliasView() output.View[aliasRow] {
	return output.View[aliasRow]{
		Key:  "aliases",
		Name: func(a aliasRow) string { return a.Name },
		Columns: []output.Column[aliasRow]{
			{Header: "ALIAS", Text: func(a aliasRow) string { return a.Name }},
			{Header: "STANDS FOR", Text: func(a aliasRow) string { return lineOf(a.Words) }},
		},
		Details: func(a aliasRow) []string {
			if a.Warning == nil {
				return nil
			}
			return []string{"warning: " + *a.Warning}
		},
		Empty: "no aliases",
	}
}

func newAliasDelete(d *Dispatcher) *cli.Command {
	var names []string
	return &cli.Command{
		Name:    "delete",
		Aliases: []string{"rm"},
		Summary: "Delete aliases",
		Args:    []cli.Arg{{Name: "NAME", Usage: "names of aliases", Repeat: true, Value: cli.NonEmptyStrings(&names), Complete: d.completeAliases}},
		Output:  cli.Text,
		JSON:    aliasRows{},
		Run:     func(ctx context.Context, inv *cli.Invocation) error { return runAliasDelete(ctx, inv, d, names) },
	}
}

// runAliasDelete deletes all of the names or, when one does not exist, none.
func runAliasDelete(ctx context.Context, inv *cli.Invocation, d *Dispatcher, names []string) error {
	var deleted []aliasRow
	err := d.updateAliases(func(f *alias.File) error {
		for _, name := range names {
			words, _ := f.Find(name)
			was, err := f.Delete(name)
			switch {
			case err != nil:
				return err
			case was:
				deleted = append(deleted, aliasRow{Name: name, Words: words})
			case !contained(deleted, name):
				return (&cli.Error{Exit: cli.ExitNotFound, Message: fmt.Sprintf("no alias is called %q: nothing was deleted", name)}).WithHint("fal alias list")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, row := range deleted {
		inv.Did("deleted the alias %s", row.Name)
	}
	if inv.Format == output.Pretty || inv.Format == output.Wide {
		for _, row := range deleted {
			fmt.Fprintln(inv.IO.Out, "deleted "+iostreams.SanitizeLine(row.Name))
		}
		return nil
	}
	return output.List(ctx, inv.Printer, aliasView(), deleted)
}

func contained(rows []aliasRow, name string) bool {
	for _, row := range rows {
		if row.Name == name {
			return true
		}
	}
	return false
}

// completeAliases offers the names that are set.
func (d *Dispatcher) completeAliases(context.Context, *cli.Completion) []cli.Candidate {
	f, err := d.aliases()
	if err != nil {
		return nil
	}
	var found []cli.Candidate
	for _, a := range f.All() {
		found = append(found, cli.Candidate{Value: a.Name, Description: lineOf(a.Words)})
	}
	return found
}
