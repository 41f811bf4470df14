// Command fal-awkward completes names that a shell would like to evaluate. The
// file that AWKWARD_ASKED names has what its completers were told, the one of
// AWKWARD_RAN what it was run with, one JSON object a line.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func main() { os.Exit(cli.Main(app())) }

// names begin with different letters, so that one and Tab is enough.
func names() []string {
	return []string{
		"apple pie", "b$(touch evaluated)", "c`touch evaluated`", `d"double"`, "e'single'", `f\back\`, "g$HOME", "h*?[a]",
		"i;touch evaluated", "j&touch evaluated", "k|touch evaluated", "l:colon:x", "m=equals=x", "n!bang", "o#hash",
		"p~tilde", "r{a,b}", "s<in>evaluated", "t(paren)", "u two  spaces ", "v@at", "w%percent^caret", "é accent", "~q",
		"x1 a", "x1$b", "y:one", "y:two", "z1", "z2 spaced",
		"line\nbreak", "escape\x1b[2Jtouched", "bell\a",
	}
}

type seen struct {
	Args  []string            `json:"args"`
	Flags map[string][]string `json:"flags,omitempty"`
	Word  string              `json:"word,omitempty"`
}

func note(variable string, s seen) error {
	file, err := os.OpenFile(os.Getenv(variable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewEncoder(file).Encode(s)
}

func complete(_ context.Context, c *cli.Completion) []cli.Candidate {
	if err := note("AWKWARD_ASKED", seen{c.Args, c.Flags, c.Word}); err != nil {
		return nil
	}
	var found []cli.Candidate
	for _, n := range names() {
		found = append(found, cli.Candidate{Value: n, Description: "the one named " + n + " $(touch evaluated)\x1b]0;`touch evaluated`"})
	}
	return found
}

func goesOn(_ context.Context, c *cli.Completion) []cli.Candidate {
	c.NoSpace()
	return []cli.Candidate{{Value: ".root[]"}, {Value: ".first | .root[]"}}
}

func app() *cli.App {
	var words, states, named []string
	var file, dir, one, assigned, path string
	return &cli.App{
		Name: "fal-awkward", Noun: "awkward", Summary: "Complete awkward names",
		Commands: []*cli.Command{{
			Name: "show", Aliases: []string{"display"}, Summary: "Show words",
			Args: []cli.Arg{{Name: "WORD", Usage: "anything", Optional: true, Repeat: true, Value: cli.Strings(&words), Complete: complete}},
			Flags: []*cli.Flag{
				{Name: "name", Aliases: []string{"n"}, Placeholder: "NAME", Usage: "a name", Value: cli.Strings(&named), Complete: complete},
				{Name: "state", Placeholder: "STATE", Usage: "states", Greedy: true, Values: []string{"idle", "running", "dead"}, Value: cli.Strings(&states)},
				{Name: "one", Placeholder: "ONE", Usage: "one", Value: cli.String(&one), Complete: cli.Fixed("first:1", "second=2")},
				{Name: "file", Placeholder: "FILE", Usage: "a file", Value: cli.String(&file), Complete: cli.Files("*.toml")},
				{Name: "dir", Placeholder: "DIR", Usage: "a folder", Value: cli.String(&dir), Complete: cli.Dirs()},
				{Name: "assigned", Placeholder: "NAME=FILE", Usage: "a file behind a name", Value: cli.String(&assigned), Complete: cli.AssignedFiles(cli.Fixed("key"))},
				{Name: "path", Placeholder: "PATH", Usage: "what goes on", Value: cli.String(&path), Complete: goesOn},
			},
			Run: func(context.Context, *cli.Invocation) error {
				s := seen{Args: words, Flags: map[string][]string{}}
				for name, values := range map[string][]string{"name": named, "state": states, "one": {one}, "file": {file}, "dir": {dir}, "assigned": {assigned}, "path": {path}} {
					if len(values) > 0 && values[0] != "" {
						s.Flags[name] = values
					}
				}
				return note("AWKWARD_RAN", s)
			},
		}},
	}
}
