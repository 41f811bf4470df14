package cli

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

type thingList struct {
	Things []struct {
		Size  int      `json:"size"`
		ID    string   `json:"thing_id"`
		Tags  []string `json:"tags"`
		Ready bool     `json:"ready"`
		State string   `json:"state"`
	} `json:"things"`
}

func TestJQTopic(t *testing.T) {
	s := newSample()
	s.app.Commands[0].JSON = thingList{}
	s.app.Commands[0].Examples = []Example{
		{"filtered", "fal things list -q '.things[0]'"},
		{"not filtered", "fal things list"},
	}
	s.app.Commands = append(s.app.Commands, &Command{Name: "veiled", Hidden: true, JSON: thingList{}, Run: s.app.Commands[0].Run})
	compile := func(string, ...output.Variable) (output.Filter, error) { return nil, nil }
	const keys = "fal-things list     {things: [{size, thing_id, tags: [...], ready, state}]}\n"
	for _, tt := range []struct {
		name        string
		compile     output.Compiler
		has, hasNot []string
	}{
		{"with jq", compile, []string{
			"\n  " + keys,
			"\n  fal-things list --jq '.things | length'\n",
			"\n  fal-things list --jq '.things[] | [.thing_id, .state, .size] | @tsv'\n",
			"\n  fal-things list --jq '.things[] | select(.thing_id == $wanted)' --arg wanted \"$WANTED\"\n",
			"\n  # filtered\n  fal-things list -q '.things[0]'\n",
		}, []string{"not filtered", "veiled", "has no --jq"}},
		{"without", nil, []string{
			"has no --jq",
			"\n  " + keys,
			"\n  fal-things list --json | jq -r '.things | length'\n",
			"\n  fal-things list --json | jq -r --arg wanted \"$WANTED\" '.things[] | select(.thing_id == $wanted)'\n",
		}, nil},
	} {
		s.app.CompileJQ = tt.compile
		r := runApp(t, s.app, nil, "help", "jq")
		if r.code != 0 || r.err != "" {
			t.Fatalf("%s: %+v", tt.name, r)
		}
		for _, want := range tt.has {
			if !strings.Contains(r.out, want) {
				t.Errorf("%s: %q is missing in\n%s", tt.name, want, r.out)
			}
		}
		for _, not := range tt.hasNot {
			if strings.Contains(r.out, not) {
				t.Errorf("%s: %q is in\n%s", tt.name, not, r.out)
			}
		}
	}
	r := runApp(t, s.app, nil, KeysQuestion()...)
	if got := KeysAnswer(r.out); r.code != 0 || len(got) != 1 || got[0][0] != "fal-things list" || !strings.HasPrefix(keys, got[0][0]) || !strings.HasSuffix(keys, got[0][1]+"\n") {
		t.Errorf("keys: %+v, read as %q", r, got)
	}
	if got := KeysAnswer("nonsense\n\na\tb"); len(got) != 1 || got[0] != [2]string{"a", "b"} {
		t.Errorf("read as %q", got)
	}
}

// What a command prints one by one has keys of its own, and what has no names
// does not offer them, in the help and in a completion.
func TestHelpOfStreamsAndSingles(t *testing.T) {
	var on bool
	do := func(context.Context, *Invocation) error { return nil }
	app := &App{Name: "fal-things", Noun: "things", Commands: []*Command{
		{Name: "list", Output: Records, JSON: thingList{}, Run: do, Flags: []*Flag{{Name: "watch", Value: Bool(&on)}},
			Stream: Stream{Flag: "watch", Record: completionRecord{}}},
		{Name: "logs", Output: Text, JSON: thingList{}, Run: do, Flags: []*Flag{{Name: "follow", Value: Bool(&on)}},
			Stream: Stream{Flag: "follow"}},
		{Name: "show", Output: Records, Single: true, JSON: completionRecord{}, Run: do},
	}}
	if r := runApp(t, app, nil, "help", "jq", "--keys"); !strings.Contains(r.out, "fal-things list --watch\t{id, size, labels: [...]}\n") || strings.Contains(r.out, "--follow") {
		t.Errorf("keys: %+v", r)
	}
	for command, want := range map[string]bool{"list": true, "logs": false, "show": false} {
		if r := runApp(t, app, nil, command, "--help"); strings.Contains(strings.Join(strings.Fields(r.out), " "), "csv, name") != want {
			t.Errorf("%s: a name is offered: %t is wanted in\n%s", command, want, r.out)
		}
		r := runApp(t, app, nil, CompleteWord, "--", command, "-o", "n")
		if strings.HasPrefix(r.out, "name") != want {
			t.Errorf("%s: completed to %q", command, r.out)
		}
	}
}

// A command that goes on after its first answer is given up before it alone.
func TestTimeoutHelp(t *testing.T) {
	app := &App{Name: "fal-things", Noun: "things", Account: true, Commands: []*Command{
		{Name: "list", Summary: "List", Run: func(context.Context, *Invocation) error { return nil }},
		{Name: "logs", Summary: "Logs", Lasts: func() bool { return false }, Stream: Stream{Flag: "follow"}, Run: func(context.Context, *Invocation) error { return nil }},
		{Name: "shell", Summary: "Shell", Lasts: func() bool { return true }, Run: func(context.Context, *Invocation) error { return nil }},
	}}
	if given, err := time.ParseDuration(defaultTimeout); err != nil || given != DefaultTimeout {
		t.Errorf("the help says %s, and it is %s", defaultTimeout, DefaultTimeout)
	}
	for name, want := range map[string]string{
		"list":  "give up after this time: seconds, or as in 30s or 5m; without it, each request has 60s -v",
		"logs":  "without it, each request has 60s; with --follow, it bounds only the time without an answer",
		"shell": "give up when there is no answer after this time: seconds, or as in 30s or 5m; 60s without it",
	} {
		if r := runApp(t, app, nil, name, "--help"); !strings.Contains(strings.Join(strings.Fields(r.out), " "), want) {
			t.Errorf("%s: %s", name, r.out)
		}
	}
}

func TestHelpCommand(t *testing.T) {
	s := newSample()
	for _, tt := range []struct{ argv, out, err string }{
		{"help group leaf", "A leaf.", ""},
		{"help ls", "List things.", ""},
		{"help lst", "", "hint: did you mean `fal-things help list`?\n"},
		{"help group lef", "", "hint: did you mean `fal-things help group leaf`?\n"},
		{"help exit-code", "", "hint: did you mean `fal-things help exit-codes`?\n"},
		{"help group exit-code", "", `no help for "group exit-code"`},
		{"help list jq", "", "hint: `fal-things help` lists the commands\n"},
	} {
		r := runApp(t, s.app, nil, strings.Fields(tt.argv)...)
		if want := tt.err == ""; want != (r.code == 0) || !strings.Contains(r.out, tt.out) || !strings.Contains(r.err, tt.err) {
			t.Errorf("%s: %+v", tt.argv, r)
		}
	}
	for argv, want := range map[string]string{
		"":           "list stop group version help environment exit-codes jq output pyproject",
		"group":      "leaf",
		"group leaf": "",
		"nonsense":   "",
	} {
		var got []string
		for _, c := range completeHelp(t.Context(), &Completion{App: withBuiltins(s.app), Args: strings.Fields(argv)}) {
			got = append(got, c.Value)
		}
		if strings.Join(got, " ") != want || slices.Contains(got, "") {
			t.Errorf("help %s <Tab> offers %q, want %s", argv, got, want)
		}
	}
}
