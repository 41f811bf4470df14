package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/plugins/dispatch/ask"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// keysFor bounds the question to all plugins which keys their JSON has. They are
// programs of this project, which take milliseconds where nothing is wrong.
const keysFor = 5 * time.Second

// newHelp declares `fal help`, which asks a plugin for the help of its
// commands.
func newHelp(d *Dispatcher) *cli.Command {
	var words []string
	return &cli.Command{
		Name:    "help",
		Summary: cli.HelpSummary(),
		Args:    []cli.Arg{cli.HelpArg(&words)},
		Examples: []cli.Example{
			{Comment: "a command of a plugin", Line: "fal help runners list"},
			{Comment: "what the exit codes mean", Line: "fal help exit-codes"},
			{Comment: "the keys of the JSON of one plugin, and lines to start from", Line: "fal help runners jq"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runHelp(ctx, inv, d, words) },
	}
}

func runHelp(ctx context.Context, inv *cli.Invocation, d *Dispatcher, words []string) error {
	switch {
	case len(words) == 1 && words[0] == "jq":
		return cli.Help(inv, words, d.keys(ctx)...)
	case len(words) == 0 || d.finder.IsBuiltin(words[0]) || cli.IsTopic(words[0]):
		return cli.Help(inv, words)
	}
	route, err := d.helpRoute(ctx, words)
	if err != nil {
		return err
	}
	if route.Kind == Own {
		return cli.Help(inv, words)
	}
	if route.Notice != "" {
		fmt.Fprintln(inv.IO.Err, "notice: "+route.Notice)
	}
	code, err := route.Program.Exec()
	if err != nil {
		return err
	}
	if code != cli.ExitOK {
		return cli.Silent(code)
	}
	return nil
}

// helpRoute is who describes the command that words name. Programs of this
// project have a help command, which knows topics and corrects what is
// misspelt; others may have --help alone.
func (d *Dispatcher) helpRoute(ctx context.Context, words []string) (Route, error) {
	if match, err := d.Lookup(words); err == nil {
		if _, own := installed.Version(match.Path); own {
			args := append([]string{cli.HelpWord}, words[match.Words:]...)
			return Route{Kind: Plugin, Match: match, Program: d.Plugin(match, args)}, nil
		}
	}
	route, err := d.Resolve(ctx, append(slices.Clone(words), "--help"))
	var unknown *UnknownCommandError
	if errors.As(err, &unknown) && len(words) == 1 {
		if near := suggest.Nearest(words[0], cli.TopicNames()); near != "" {
			unknown.hints = append([]string{"did you mean `fal help " + near + "`?"}, unknown.hints...)
		}
	}
	return route, err
}

// overview lists the commands that can be run as things are: those of this
// project whose plugin is installed, plugins of others, and those that the
// official client answers.
func overview(d *Dispatcher) []cli.HelpSection {
	var own, official [][2]string
	client := d.client(nil)
	for _, n := range installed.Nouns() {
		row := [2]string{n.Name, n.Description}
		if _, err := d.Lookup([]string{n.Name}); err == nil {
			own = append(own, row)
		} else if n.Official && client.found() {
			official = append(official, row)
		}
	}
	return []cli.HelpSection{
		{Title: "Commands", Rows: own},
		{Title: "Other plugins", Rows: d.otherPlugins()},
		{Title: "Aliases", Rows: d.ownWords()},
		{Title: "Commands of the official client", Rows: official},
	}
}

// otherPlugins are the plugins of others that can be run, and what they say of
// themselves, or else where they are.
func (d *Dispatcher) otherPlugins() (rows [][2]string) {
	for _, p := range d.others(context.Background()) {
		about := p.Summary
		if about == "" {
			about = installed.Shown(p.Path)
		}
		rows = append(rows, [2]string{installed.Shown(p.Name), about})
	}
	return rows
}

// ownWords are the user's aliases. A file that cannot be read is no reason to
// show no help; what uses an alias says so.
func (d *Dispatcher) ownWords() (rows [][2]string) {
	file, err := d.aliases()
	if err != nil {
		return nil
	}
	for _, a := range file.All() {
		words := []string{"fal"}
		for _, w := range a.Words {
			words = append(words, cli.Quote(w))
		}
		rows = append(rows, [2]string{installed.Shown(a.Name), installed.Shown(strings.Join(words, " "))})
	}
	return rows
}

// keys asks the installed plugins of this project, and no others, which keys
// the JSON of their commands has. One that does not answer is left out.
func (d *Dispatcher) keys(ctx context.Context) []cli.HelpSection {
	ctx, cancel := context.WithTimeout(ctx, keysFor)
	defer cancel()
	nouns := installed.Nouns()
	sections := make([]cli.HelpSection, len(nouns))
	var asked sync.WaitGroup
	for i, n := range nouns {
		match, err := d.Lookup([]string{n.Name})
		if n.Package == "" || err != nil {
			continue
		}
		asked.Go(func() {
			if _, own := installed.Version(match.Path); !own {
				return
			}
			program := d.Plugin(match, cli.KeysQuestion())
			answer, err := ask.Run(ctx, program.Path, program.Args, program.Env)
			if err != nil {
				return
			}
			sections[i] = cli.HelpSection{Title: "Keys of fal " + n.Name, Rows: cli.KeysAnswer(answer)}
		})
	}
	asked.Wait()
	return sections
}
