package cli

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

type completionRecord struct {
	ID     string   `json:"id"`
	Size   int      `json:"size"`
	Labels []string `json:"labels"`
}

type completionRecords struct {
	Things []completionRecord `json:"things"`
	hidden string
}

func completionApp() *App {
	var text string
	var texts []string
	var on bool
	return &App{
		Name: "fal-things", Noun: "things", Account: true,
		CompileJQ: func(string, ...output.Variable) (output.Filter, error) { return nil, nil },
		CompleteFlags: map[string]Completer{
			"profile": func(_ context.Context, c *Completion) []Candidate {
				return []Candidate{{"work", c.Invocation().Team}, {"play\nground", ""}, {"home", ""}}
			},
		},
		Commands: []*Command{
			{Name: "list", Aliases: []string{"ls"}, Summary: "List things", Output: Records, JSON: completionRecords{hidden: ""},
				Flags: []*Flag{
					{Name: "state", Placeholder: "STATE", Usage: "by state", Values: []string{"idle", "running", "dead"}, Greedy: true, Value: Strings(&texts)},
					{Name: "on", Usage: "a switch", Value: Bool(&on)},
					{Name: "secret", Usage: "hidden", Hidden: true, Value: Bool(&on)},
					{Name: "app", Aliases: []string{"a"}, Placeholder: "APP", Usage: "by app", Greedy: true, Value: Strings(&texts), Complete: Fixed("alpha", "beta")},
					{Name: "from", Placeholder: "FILE", Value: String(&text), Complete: Files("*.toml", "*.env")},
				},
				Run: func(context.Context, *Invocation) error { panic("run") }},
			{Name: "stop", Summary: "Stop things", Flags: []*Flag{{Name: "now", Value: Bool(&on)}},
				Args: []Arg{{Name: "ID", Repeat: true, Value: Strings(&texts), Complete: Fixed("4f2a", "9c1d", "-dash")}},
				Run:  func(context.Context, *Invocation) error { panic("run") }},
			{Name: "exec", Summary: "Run in a thing",
				Args: []Arg{{Name: "ID", Value: String(&text), Complete: Fixed("4f2a")}, {Name: "COMMAND", Repeat: true, Verbatim: true, Value: Strings(&texts)}},
				Run:  func(context.Context, *Invocation) error { panic("run") }},
			{Name: "ghost", Hidden: true, Run: func(context.Context, *Invocation) error { panic("run") }},
			{Name: "env", Summary: "Environments", Sub: []*Command{{Name: "create", Summary: "Create", Run: func(context.Context, *Invocation) error { panic("run") }}}},
			{Name: "broken", Summary: "Panics", Args: []Arg{{Name: "ID", Value: String(&text), Complete: func(context.Context, *Completion) []Candidate { panic("completer") }}},
				Run: func(context.Context, *Invocation) error { panic("run") }},
		},
	}
}

// ask returns the values and the last line of an answer.
func ask(t *testing.T, args ...string) (values []string, directive string) {
	t.Helper()
	streams, _, out, errout := iostreams.Test()
	code := Run(t.Context(), completionApp(), Process{Args: append([]string{CompleteWord}, args...), Streams: streams, Getenv: func(string) string { return "" }})
	if code != ExitOK || errout.Len() > 0 {
		t.Fatalf("exit code %d, stderr %q", code, errout)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for _, l := range lines[:len(lines)-1] {
		value, _, _ := strings.Cut(l, "\t")
		values = append(values, value)
	}
	return values, lines[len(lines)-1]
}

func TestComplete(t *testing.T) {
	for _, test := range []struct {
		words     string // the last is the current one; | separates
		want      string
		directive string
	}{
		{words: "", want: "list stop exec env broken version help"},
		{words: "l", want: "list"},
		{words: "ls", want: "ls"},
		{words: "env|", want: "create"},
		{words: "nonsense|", want: ""},
		{words: "--v", want: "--version"},
		{words: "list|--st", want: "--state"},
		{words: "ls|--st", want: "--state"},
		{words: "list|--on|--o", want: "--output"},
		{words: "list|--se", want: ""},
		{words: "list|--state|", want: "idle running dead"},
		{words: "list|--state|r", want: "running"},
		{words: "list|--state|R", want: "running"},
		{words: "list|--state|idle|", want: "running dead"},
		{words: "list|--state|idle,", want: "idle,running idle,dead"},
		{words: "list|--state=d", want: "--state=dead"},
		{words: "list|--state=idle,d", want: "--state=idle,dead"},
		{words: "list|--on=", want: "--on=true --on=false"},
		{words: "list|-o|js", want: "json jsonl"},
		{words: "list|-ojs", want: "-ojson -ojsonl"},
		{words: "list|-vo=t", want: "-vo=tsv"},
		{words: "list|--app|", want: "alpha beta"},
		{words: "list|--app|beta|", want: "alpha"},
		{words: "list|-a|b", want: "beta"},
		{words: "list|--from|x", want: "", directive: ":files *.toml *.env"},
		{words: "list|--profile|", want: "work home"},
		{words: "--profile|w", want: "work"},
		{words: "list|--arg|x|", want: ""},
		{words: "list|--arg|x|y|--state=i", want: "--state=idle"},
		{words: "list|--jq|.things[].i", want: ".things[].id", directive: ":nospace"},
		{words: "list|--jq|.th", want: ".things .things[] .things[].id .things[].size .things[].labels .things[].labels[]", directive: ":nospace"},
		{words: "list|--jq|.things[] | select(.s", want: ".things[] | select(.size", directive: ":nospace"},
		{words: "list|--jq|.things[0] | .la", want: ".things[0] | .labels .things[0] | .labels[]", directive: ":nospace"},
		{words: "list|--jq|.nothing[] | .s", want: "", directive: ":nospace"},
		{words: `list|--jq|"text .s`, want: "", directive: ":nospace"},
		{words: "stop|", want: "4f2a 9c1d -dash"},
		{words: "stop|4f2a|", want: "9c1d -dash"},
		{words: "stop|--now|4", want: "4f2a"},
		{words: "stop|--|-d", want: "-dash"},
		{words: "stop|--|--n", want: ""},
		{words: "stop|4f2a|--n", want: "--now"},
		{words: "exec|", want: "4f2a"},
		{words: "exec|4f2a|ls|-", want: ""},
		{words: "exec|4f2a|--|ls|", want: ""},
		{words: "broken|", want: ""},
		{words: "stop|--nonsense|4", want: "4f2a"},
		{words: "help|l", want: "list"},
		{words: "help|env|", want: "create"},
		{words: "help|exit", want: "exit-codes"},
	} {
		values, directive := ask(t, append([]string{"--"}, strings.Split(test.words, "|")...)...)
		if strings.Contains(test.words, " | ") { // a pipe of jq
			at := strings.Index(test.words, "--jq|") + len("--jq|")
			values, directive = ask(t, "--", "list", "--jq", test.words[at:])
		}
		if got := strings.Join(values, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.words, got, test.want)
		}
		if want := test.directive; directive != want && (want != "" || directive != ":none") {
			t.Errorf("%s: last line %q, want %q", test.words, directive, want)
		}
	}
}

func TestCompleteFirstTabOfLeafOffersFlags(t *testing.T) {
	values, _ := ask(t, "--", "list", "")
	if !slices.Contains(values, "--state") || slices.Contains(values, "--secret") || slices.Contains(values, "-o") {
		t.Errorf("%q", values)
	}
	if values, _ = ask(t, "--", "list", "-"); !slices.Contains(values, "-o") || !slices.Contains(values, "--help") {
		t.Errorf("%q", values)
	}
}

func TestCompleteMalformed(t *testing.T) {
	for _, args := range [][]string{nil, {"--"}, {"--shell"}, {"--nonsense", "x", "--", ""}, {"--line"}} {
		streams, _, out, errout := iostreams.Test()
		if code := Run(t.Context(), completionApp(), Process{Args: append([]string{CompleteWord}, args...), Streams: streams}); code != ExitOK || out.Len()+errout.Len() > 0 {
			t.Errorf("%q: %d, %q, %q", args, code, out, errout)
		}
	}
}

func TestCompleteIsBounded(t *testing.T) {
	app, release := completionApp(), make(chan struct{})
	defer close(release)
	app.Commands[1].Args[0].Complete = func(context.Context, *Completion) []Candidate { <-release; return nil }
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if reply := Complete(ctx, app, func(string) string { return "" }, Request{Words: []string{"stop", ""}}); len(reply.Candidates) > 0 {
		t.Errorf("%v", reply)
	}
}

func TestCompletionInBash(t *testing.T) {
	for _, test := range []struct{ line, word, want string }{
		{"fal-things stop 4", "4", "4f2a"},
		{"fal-things list --state=r", "r", "running"},
		{`fal-things list --state="r`, "r", "running"},
		{`fal-things list --jq '.things[].i`, ".things[].i", ".things[].id .things[].id."}, // which keeps the quote open
		{`fal-things list --jq .things[].i`, ".things[].i", `.things[].id`},
		{"true; fal-things st", "st", "stop"},
		{"fal-things stop 4 >x", "x", ""},
		{"fal-things stop 4", "something else", ""},
		{`fal-things stop "4f$(x`, "4f$(x", ""},
		{`fal-things stop ""$x`, `""$x`, ""},
	} {
		values, _ := ask(t, "--shell", "bash", "--line", test.line, "--word", test.word)
		if got := strings.Join(values, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.line, got, test.want)
		}
	}
	if shown, _ := ask(t, "--shell", "bash", "--line", "fal-things list --jq '.things[].i", "--word", ".things[].i", "--type", "63"); len(shown) != 1 {
		t.Errorf("%q", shown)
	}
	shown, _ := ask(t, "--shell", "bash", "--line", "fal-things ", "--word", "", "--type", "63", "--columns", "80")
	if shown[0] != "list     -- List things" {
		t.Errorf("%q", shown)
	}
}

// zsh gets whole words for the line where it would lose a quote.
func TestCompletionInZsh(t *testing.T) {
	for _, test := range []struct{ typed, word, want, directive string }{
		{`--jq='.things[].i`, `--jq=.things[].i`, `--jq='.things[].id`, ":quoted nospace"},
		{`--jq=".things[] | .i`, `--jq=.things[] | .i`, `--jq=".things[] | .id`, ":quoted nospace"},
		{`--state='r`, `--state=r`, `--state='running'`, ":quoted"},
		{`--state="R`, `--state=R`, `--state=running`, ":quoted"},
		{`-a"b`, `-ab`, `-a"beta"`, ":quoted"},
		{`--state=$'r`, `--state=r`, `--state=$'running'`, ":quoted"},
		{`--state='none`, `--state=none`, ``, ":quoted"},
		{`--state='r'`, `--state=r`, `--state=running`, ":none"},
		{`--state=r`, `--state=r`, `--state=running`, ":none"},
		{`'--state=r`, `--state=r`, `--state=running`, ":none"}, // which it keeps
		{`--state='r`, `--state=x`, ``, ":none"},
	} {
		values, directive := ask(t, "--shell", "zsh", "--typed", test.typed, "--", "list", test.word)
		if got := strings.Join(values, " "); got != test.want || directive != test.directive {
			t.Errorf("%s: %q %s, want %q %s", test.typed, got, directive, test.want, test.directive)
		}
	}
	// Handed on to another program, the question is the same.
	r, err := ReadRequest([]string{CompleteWord, "--shell", "zsh", "--typed", "--state='r", "--", "things", "list", "--state=r"})
	if err != nil {
		t.Fatal(err)
	}
	if values, directive := ask(t, r.Behind(1).Args()[1:]...); !slices.Equal(values, []string{"--state='running'"}) || directive != ":quoted" {
		t.Errorf("%q %s", values, directive)
	}
}

// fish puts a space behind the only candidate, unless it ends as if it went on.
func TestCompletionInFish(t *testing.T) {
	for line, want := range map[string]string{
		"fal-things list --jq .things[].i": ".things[].id .things[].id.",
		"fal-things list --jq .things[].":  ".things[].id .things[].size .things[].labels .things[].labels[]",
		"fal-things stop 4":                "4f2a",
	} {
		if values, _ := ask(t, "--shell", "fish", "--line", line); strings.Join(values, " ") != want {
			t.Errorf("%s: %q, want %q", line, values, want)
		}
	}
	for value, want := range map[string]bool{"a/": false, "a=": false, "a": true, "é": true} {
		if got := (Request{shell: "fish"}).addsSpace([]Candidate{{Value: value}}); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}

func TestRequestBehind(t *testing.T) {
	r, err := ReadRequest([]string{CompleteWord, "--shell", "bash", "--line", `fal things stop "4`, "--word", "4"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Words, []string{"things", "stop", "4"}) {
		t.Fatalf("%q", r.Words)
	}
	values, _ := ask(t, r.Behind(1).Args()[1:]...)
	if !slices.Equal(values, []string{"4f2a"}) {
		t.Errorf("%q", values)
	}
	var b strings.Builder
	want := Reply{Candidates: []Candidate{{"4f", "a thing"}, {"4g", ""}}, NoSpace: true, Files: true, Patterns: []string{"*.a", "*.b"}}
	if err := r.Plain().Write(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadReply(strings.NewReader(b.String()))
	if err != nil || !slices.Equal(got.Candidates, want.Candidates) || !got.NoSpace || !got.Files || !slices.Equal(got.Patterns, want.Patterns) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ReadReply(strings.NewReader("no last line\n")); err == nil {
		t.Error("no error for an answer without its last line")
	}
}

func TestSplitLine(t *testing.T) {
	for _, test := range []struct {
		line, want, current string // words separated by |
		fish, redirect      bool
	}{
		{line: "a b ", want: "a|b"},
		{line: `a "b c"d'e f'g\ h i`, want: `a|b cde fg h`, current: "i"},
		{line: `a $(touch x) b$(y (z) \) u)c `, want: `a|$(touch x)|b$(y (z) \) u)c`},
		{line: `a "$(touch "x y")" `, want: `a|$(touch "x y")`},
		{line: `a "$(touch x)" `, want: "a|$(touch x)"},
		{line: "a `touch` $HOME *? ", want: "a|`touch`|$HOME|*?"},
		{line: `a $'b\n\x41\101\u00e9\'c' `, want: "a|b\nAAé'c"},
		{line: `a "b\$c\"d\e" `, want: `a|b$c"d\e`},
		{line: `a 'b\c' `, want: `a|b\c`},
		{line: `a "b c`, want: "a", current: "b c"},
		{line: `a b\`, want: "a", current: "b"},
		{line: "x y; a b", want: "a", current: "b"},
		{line: "x | a && b c", want: "b", current: "c"},
		{line: "a b 2>err c", want: "a|b", current: "c"},
		{line: "a b >ou", want: "a|b", current: "ou", redirect: true},
		{line: "a b &>ou", want: "a|b", current: "ou", redirect: true},
		{line: "a b\\\nc", want: "a", current: "bc"},
		{line: `a '' "" `, want: "a||"},
		{line: `a 'b\'c\\d\e' "f\$g\q" h\nx `, want: `a|b'c\d\e|f$g\q` + "|h\nx", fish: true},
		{line: `a (b) $x`, want: "a|(b)", current: "$x", fish: true},
	} {
		shell := "bash"
		if test.fish {
			shell = "fish"
		}
		got := splitLine(test.line, shell)
		if strings.Join(got.words, "|") != test.want || got.current.text != test.current || got.redirect != test.redirect {
			t.Errorf("%s: %q, %q, %v", test.line, got.words, got.current.text, got.redirect)
		}
	}
}

// A word that was completed means its value, whatever was typed.
func FuzzBecome(f *testing.F) {
	for _, seed := range [][2]string{{`"ap`, "ple pie"}, {"'x", "'y$"}, {"$'x", `\'`}, {`a\`, " b"}, {`"n`, "!"}, {"", "~$(x)`y`"}, {`x"y`, `"`}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, typed, rest string) {
		if !insertable(rest, false) {
			return
		}
		before := splitLine("program "+typed, "bash")
		if len(before.words) != 1 || before.redirect || before.current.evaluated || !strings.HasSuffix("program "+typed, before.current.raw) {
			return
		}
		value := before.current.text + rest
		whole := before.current.become(value)
		after := splitLine("program "+whole, "bash")
		mark := quoteMark(before.current.open)
		if mark != "" && rest != "" && !strings.HasSuffix(whole, mark) {
			after = splitLine("program "+whole+mark, "bash")
		}
		if after.current.text != value || len(after.words) != 1 {
			t.Errorf("%q and %q: %q, which means %q", typed, rest, whole, after.current.text)
		}
		if rest != "" && after.current.open != 0 {
			t.Errorf("%q and %q: %q is left open", typed, rest, whole)
		}
	})
}

func FuzzSplitLine(f *testing.F) {
	f.Add(`a "b c"d'e f'g\ h $'\x41' i`, "word")
	f.Add("a >b; c|d", "x y'z\"\n")
	f.Fuzz(func(t *testing.T, line, word string) {
		for _, shell := range []string{"bash", "fish"} {
			got := splitLine(line, shell)
			if !strings.HasSuffix(line, got.current.raw) {
				t.Errorf("%q does not end with %q", line, got.current.raw)
			}
		}
		if got := splitLine("x "+Quote(word)+" ", "bash"); len(got.words) != 2 || got.words[1] != word {
			t.Errorf("%q: %q", word, got.words)
		}
	})
}

func TestCompletionScript(t *testing.T) {
	for _, shell := range CompletionShells() {
		script, err := CompletionScript(shell, "fal-my-thing")
		if err != nil || strings.Contains(script, "FUNCTION") || strings.Contains(script, "PROGRAM") || !strings.Contains(script, "fal-my-thing __complete") && !strings.Contains(script, "program=fal-my-thing") {
			t.Errorf("%s: %v\n%s", shell, err, script)
		}
		if _, err := CompletionScript(shell, "x; touch y"); err == nil {
			t.Errorf("%s: no error for a name that is no name", shell)
		}
	}
	if _, err := CompletionScript("tcsh", "fal"); err == nil {
		t.Error("no error for tcsh")
	}
}
