package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// sample is an app with every kind of flag and argument.
type sample struct {
	app     *App
	ran     string
	ids     []string
	states  []string
	regions []string
	name    string
	lines   int
	replace bool
	tty     bool
	inv     *Invocation
}

func newSample() *sample {
	s := &sample{}
	record := func(name string) func(context.Context, *Invocation) error {
		return func(_ context.Context, inv *Invocation) error { s.ran, s.inv = name, inv; return nil }
	}
	s.app = &App{
		Name: "fal-things", Noun: "things", Summary: "Things for tests", Account: true,
		Commands: []*Command{
			{
				Name: "list", Aliases: []string{"ls"}, Summary: "List things", Output: Records,
				Flags: []*Flag{
					{Name: "state", Placeholder: "STATE", Values: []string{"running", "idle"}, Greedy: true, Value: Strings(&s.states)},
					{Name: "name", Placeholder: "NAME", Value: String(&s.name)},
					{Name: "lines", Aliases: []string{"n"}, Value: Int(&s.lines, -100, 100)},
				},
				Run: record("list"),
			},
			{
				Name: "stop", Summary: "Stop things", Output: Text,
				Args: []Arg{{Name: "ID", Repeat: true, Value: Strings(&s.ids)}},
				Flags: []*Flag{
					{Name: "replace", Aliases: []string{"r"}, Value: Bool(&s.replace)},
					{Name: "interactive", Aliases: []string{"i"}, Value: Bool(&s.tty)},
					{Name: "state", Placeholder: "STATE", Values: []string{"running", "idle"}, Greedy: true, Value: Strings(&s.states)},
					{Name: "regions", Placeholder: "REGION", Greedy: true, Value: Strings(&s.regions)},
					{Name: "name", Placeholder: "NAME", Value: String(&s.name)},
				},
				Run: record("stop"),
			},
			{Name: "group", Summary: "A group", Sub: []*Command{{Name: "leaf", Summary: "A leaf", Run: record("leaf")}}},
		},
	}
	return s
}

func TestOrder(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string // canonical, words joined with blanks
	}{
		{"nothing", "", "--"},
		{"flags after arguments", "stop a -r b", "stop --replace=true -- a b"},
		{"flags before the command", "--profile dev list", "list --profile=dev --"},
		{"a command's own flag before it", "--state idle list", "list --state=idle --"},
		{"a flag of several commands before it", "--state idle stop x", "stop --state=idle -- x"},
		{"alias of a command", "ls", "list --"},
		{"value in the word", "list --name=x", "list --name=x --"},
		{"value that holds an equals sign", "list --name=a=b", "list --name=a=b --"},
		{"empty value", "list --name=", "list --name= --"},
		{"value that is a flag, by force", "list --name=--json", "list --name=--json --"},
		{"several values", "stop a --state running idle", "stop --state=running --state=idle -- a"},
		{"several values with commas", "list --state running,idle", "list --state=running --state=idle --"},
		{"a closed set ends at another word", "stop --state idle my-thing", "stop --state=idle -- my-thing"},
		{"an open set ends at a flag", "stop a --regions us eu -r b", "stop --regions=us --regions=eu --replace=true -- a b"},
		{"an open set keeps commas", "stop a --regions us,eu", "stop --regions=us,eu -- a"},
		{"an open set ends at two dashes", "stop --regions us -- a", "stop --regions=us -- a"},
		{"short flags together", "stop -ri a", "stop --replace=true --interactive=true -- a"},
		{"short flag with its value", "list -n5", "list --lines=5 --"},
		{"short flag with equals", "list -n=5", "list --lines=5 --"},
		{"negative number", "list -n -5", "list --lines=-5 --"},
		{"the words help and h as arguments", "stop help h", "stop -- help h"},
		{"everything behind two dashes", "stop -- -r --json", "stop -- -r --json"},
		{"a lone dash", "stop - --name -", "stop --name=- -- -"},
		{"a switch turned off", "stop a --replace=false", "stop --replace=false -- a"},
		{"below a group", "group leaf", "group leaf --"},
		{"case of a closed set", "list --state IDLE", "list --state=IDLE --"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSample()
			g := newGlobals(s.app)
			l, err := order(s.app, g.flags, "fal things", strings.Fields(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(l.canonical(), " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestOrderRefuses(t *testing.T) {
	tests := []struct {
		in, message, hint string
	}{
		{"lst", `unknown command "lst"`, "did you mean `fal things list`?"},
		{"show", `unknown command "show"`, "did you mean `fal things list`?"},
		{"LST=s3cret", `unknown command "LST"`, "`fal things --help` shows what there is"},
		{"wholly-else", `unknown command "wholly-else"`, "`fal things --help` shows what there is"},
		{"list --stat idle", "unknown flag --stat for `fal things list`", "did you mean --state?"},
		{"list -x", "unknown flag -x for `fal things list`", "`fal things list --help` shows what there is"},
		{"--replace list", "unknown flag --replace for `fal things list`", "`fal things list --help` shows what there is"},
		{"list --name --json", "flag --name needs a value", "write --name=--json if that is the value"},
		{"list --name", "flag --name needs a value", ""},
		{"list --state -x", "flag --state needs a value", ""},
		{"list --state -5", `unknown value "-5" for --state`, ""},
		{"list --name -5", "flag --name needs a value", "write --name=-5 if that is the value"},
		{"stop --regions us eu --replace", "ID is missing", "--regions took us eu: write ID before it, or end its words with another flag"},
		{"list --state idle runing", `unknown value "runing" for --state`, "did you mean running?"},
		{"list --state idle zzz", `unexpected argument "zzz"`, ""},
		{"list -- x y --", "", ""},
		{"-- list", "a command must come before `--`", "`fal things --help` shows what there is"},
		{"group lef", `unknown command "lef"`, "did you mean `fal things group leaf`?"},
		{"--host", "flag --host needs a value", ""},
		{"list -5", "unknown flag -5 for `fal things list`", ""},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			s := newSample()
			g := newGlobals(s.app)
			_, err := order(s.app, g.flags, "fal things", strings.Fields(tt.in))
			if tt.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v, want one", err)
			}
			if e.Message != tt.message {
				t.Errorf("message %q, want %q", e.Message, tt.message)
			}
			if tt.hint != "" && !slices.Contains(e.Hint, tt.hint) {
				t.Errorf("hints %q, want %q", e.Hint, tt.hint)
			}
			if e.ExitCode() != ExitUsage {
				t.Errorf("exit %d", e.ExitCode())
			}
		})
	}
}

func FuzzOrder(f *testing.F) {
	for _, s := range []string{"stop a\x00-r", "list\x00--state\x00idle", "--\x00list", "-n\x00-5", "--jq\x00.\x00list", "stop\x00-rix=3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		argv := strings.Split(joined, "\x00")
		s := newSample()
		g := newGlobals(s.app)
		l, err := order(s.app, g.flags, "fal things", argv)
		if err != nil || l.help || l.version || l.command() == nil || len(l.command().Sub) > 0 {
			return
		}
		// What is in order stays as it is.
		again, err := order(s.app, g.flags, "fal things", l.canonical())
		if err != nil {
			t.Fatalf("%q: canonical %q: %v", argv, l.canonical(), err)
		}
		if !slices.Equal(again.canonical(), l.canonical()) {
			t.Errorf("%q: %q, then %q", argv, l.canonical(), again.canonical())
		}
	})
}

func TestVerbatimArgument(t *testing.T) {
	var id string
	var command []string
	var tty, stdin bool
	var name string
	app := &App{Name: "fal-things", Noun: "things", Account: true, Commands: []*Command{{
		Name: "exec",
		Args: []Arg{{Name: "ID", Value: NonEmpty(&id)}, {Name: "COMMAND", Repeat: true, Verbatim: true, Value: Strings(&command)}},
		Flags: []*Flag{
			{Name: "stdin", Aliases: []string{"i"}, Value: Bool(&stdin)},
			{Name: "tty", Aliases: []string{"t"}, Value: Bool(&tty)},
			{Name: "name", Placeholder: "NAME", Value: String(&name)},
		},
	}}}
	tests := []struct{ in, want, hint string }{
		{"exec a -it -- cat -n --help", "exec --stdin=true --tty=true -- a cat -n --help", ""},
		{"exec -it a -- cat", "exec --stdin=true --tty=true -- a cat", ""},
		{"-it exec a cat x", "exec --stdin=true --tty=true -- a cat x", ""},
		{"exec -- a cat -v", "exec -- a cat -v", ""},
		{"exec a cat -", "exec -- a cat -", ""},
		{"exec -i --name x a ls -l 'b c'", "", "fal things exec -i --name=x a -- ls -l ''\\''b' 'c'\\'''"},
		{"exec a cat -v", "", "fal things exec a -- cat -v"},
		{"exec a sh --json=1 -- x", "", "fal things exec a -- sh --json=1 -- x"},
	}
	for _, tt := range tests {
		l, err := order(app, newGlobals(app).flags, "fal things", strings.Fields(tt.in))
		var e *Error
		if tt.hint != "" {
			if !errors.As(err, &e) || ExitCode(err) != ExitUsage || !slices.Contains(e.Hint, tt.hint) {
				t.Errorf("%s: %+v", tt.in, err)
			}
			continue
		}
		if got := strings.Join(l.canonical(), " "); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
	if usage := usageLine(app, app.Commands[:1], "fal"); usage != "fal things exec ID [flags] -- COMMAND..." {
		t.Errorf("usage %q", usage)
	}
}
