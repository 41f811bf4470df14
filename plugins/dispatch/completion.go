package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/shellcompletion"
)

func newCompletion(d *Dispatcher) *cli.Command {
	c := &cli.Command{
		Name:    "completion",
		Summary: "Set up completion in bash, zsh or fish",
		Description: "Completion is of fal and of the programs of this project that are installed, by their own names too. `fal completion install` sets it up for every new shell.\n\n" +
			"What was installed from a .deb or .rpm package completes without `fal completion install`; in bash that takes the package bash-completion.",
	}
	for _, shell := range shellcompletion.Shells() {
		c.Sub = append(c.Sub, newCompletionScript(d, shell))
	}
	c.Sub = append(c.Sub, newCompletionInstall(d), newCompletionUninstall(d))
	return c
}

func newCompletionScript(d *Dispatcher, shell string) *cli.Command {
	line := "source <(fal completion " + shell + ")"
	switch shell {
	case "bash":
		line = `eval "$(fal completion bash)"` // 3.2 reads nothing from a pipe
	case "fish":
		line = "fal completion fish | source"
	}
	return &cli.Command{
		Name:     shell,
		Summary:  "Print what " + shell + " completes by",
		Examples: []cli.Example{{Comment: "in this shell alone", Line: line}},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			scripts, err := d.scripts(ctx, shell)
			if err != nil {
				return err
			}
			for i, s := range scripts {
				if i > 0 {
					s.Text = "\n" + s.Text
				}
				if _, err := io.WriteString(inv.IO.Out, s.Text); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// scripts are those for fal and for the programs of this project that `fal`
// runs.
func (d *Dispatcher) scripts(ctx context.Context, shell string) ([]shellcompletion.Script, error) {
	programs := []string{programName}
	for _, noun := range installed.Nouns() {
		if match, err := d.Lookup([]string{noun.Name}); err == nil && d.announcement(match.Path).Own {
			programs = append(programs, match.Name)
		}
	}
	var scripts []shellcompletion.Script
	for _, program := range programs {
		text, err := cli.CompletionScript(shell, program)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, shellcompletion.Script{Program: program, Text: text})
	}
	return scripts, nil
}

// completionSetup is the JSON contract of `fal completion install`.
type completionSetup struct {
	Shell   string             `json:"shell"`
	Changes []completionChange `json:"changes"`
}

type completionChange struct {
	Path string `json:"path"`
	// Action is write, remove, add, take out or keep.
	Action string `json:"action"`
	// Result is done or would.
	Result string `json:"result"`
}

type completionOptions struct {
	d *Dispatcher

	shell  string
	dryRun bool
}

func (o *completionOptions) flags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "shell", Placeholder: "SHELL", Values: shellcompletion.Shells(), Value: cli.String(&o.shell),
			Usage: "bash, zsh or fish; SHELL is the default"},
		{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be changed, and do nothing"},
	}
}

func newCompletionInstall(d *Dispatcher) *cli.Command {
	o := &completionOptions{d: d}
	return &cli.Command{
		Name:    "install",
		Summary: "Set up completion for every new shell",
		Description: "bash and zsh get a script in ~/.local/share/fal and a few lines between markers in ~/.bashrc (on macOS ~/.bash_profile) or ~/.zshrc; fish gets its files in ~/.config/fish/completions. XDG_DATA_HOME, XDG_CONFIG_HOME and, in zsh, ZDOTDIR name other folders. " +
			"To install again brings it up to date. `fal completion uninstall` takes all of it out again.",
		Output: cli.Text,
		Single: true,
		JSON:   completionSetup{},
		Flags:  o.flags(),
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			place, err := o.place(inv)
			if err != nil {
				return err
			}
			scripts, err := d.scripts(ctx, o.shell)
			if err != nil {
				return err
			}
			changes, err := place.Install(scripts, o.dryRun)
			if err := o.print(ctx, inv, changes, err); err != nil || o.dryRun {
				return err
			}
			note := "new shells complete fal"
			if file := place.Script(); file != "" {
				note += "; this one after: . " + cli.Quote(file)
			}
			fmt.Fprintln(inv.IO.Err, "note: "+note)
			return nil
		},
	}
}

func newCompletionUninstall(d *Dispatcher) *cli.Command {
	o := &completionOptions{d: d}
	return &cli.Command{
		Name:    "uninstall",
		Summary: "Take out what install has set up",
		Output:  cli.Text,
		Single:  true,
		JSON:    completionSetup{},
		Flags:   o.flags(),
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			place, err := o.place(inv)
			if err != nil {
				return err
			}
			changes, err := place.Uninstall(o.dryRun)
			if err := o.print(ctx, inv, changes, err); err != nil {
				return err
			}
			if len(changes) == 0 {
				fmt.Fprintln(inv.IO.Err, "nothing was installed for "+o.shell)
			}
			return nil
		},
	}
}

// place finds out the shell, and where its completion goes.
func (o *completionOptions) place(inv *cli.Invocation) (shellcompletion.Place, error) {
	if o.shell == "" {
		shell, known := shellcompletion.Detect(inv.Getenv)
		if !known {
			return shellcompletion.Place{}, cli.Usagef("SHELL is none of %s", strings.Join(shellcompletion.Shells(), ", ")).
				WithHint(inv.Again("--shell=bash"))
		}
		o.shell = shell
	}
	place, err := shellcompletion.For(o.shell, shellcompletion.User{Home: o.d.env.Home, Getenv: inv.Getenv, OS: runtime.GOOS})
	if err != nil {
		return place, cli.Usagef("%s", err)
	}
	return place, nil
}

// print says what was changed, also when an error kept the rest from it.
func (o *completionOptions) print(ctx context.Context, inv *cli.Invocation, changes []shellcompletion.Change, failed error) error {
	result := "done"
	if o.dryRun {
		result = "would"
	}
	setup := completionSetup{Shell: o.shell, Changes: []completionChange{}}
	for _, c := range changes {
		setup.Changes = append(setup.Changes, completionChange{c.Path, c.Action, result})
		if !o.dryRun && c.Action != "keep" {
			inv.Did("%s", changed(c, false))
		}
	}
	err := output.Object(ctx, inv.Printer, setup, func(w io.Writer) error {
		for _, c := range changes {
			if _, err := fmt.Fprintln(w, changed(c, o.dryRun)); err != nil {
				return err
			}
		}
		return nil
	})
	if failed == nil {
		return err
	}
	failure := cli.Failuref("%s", failed)
	var foreign *shellcompletion.ForeignError
	if errors.As(failed, &foreign) {
		failure.Hint = []string{"mv " + cli.Quote(foreign.Path) + " " + cli.Quote(foreign.Path+".old")}
	}
	return failure
}

// changed is a change in words.
func changed(c shellcompletion.Change, would bool) string {
	words := map[string][2]string{
		"write":    {"wrote %s", "would write %s"},
		"remove":   {"removed %s", "would remove %s"},
		"add":      {"added the lines that read it to %s", "would add the lines that read it to %s"},
		"take out": {"took the lines out of %s", "would take the lines out of %s"},
		"keep":     {"%s is up to date", "%s is up to date"},
	}[c.Action]
	form := words[0]
	if would {
		form = words[1]
	}
	return fmt.Sprintf(form, installed.Shown(c.Path))
}
