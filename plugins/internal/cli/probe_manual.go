package cli

import (
	"bytes"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// tryManual holds the manual of an app against its declarations: each command
// that is not hidden has a page, with all its arguments and flags, and none
// shows a hidden flag.
func tryManual(t Tester, app *App) {
	t.Helper()
	pages := app.ManPages("1.2.3", "2026-01-02", [2]string{"fal-other", "Another program"})
	app = withBuiltins(app)
	m := manual{app: app, globals: newGlobals(app)}
	leaves(app.Commands, nil, func(path []*Command) {
		c := path[len(path)-1]
		name := m.page(path) + ".1"
		page := pages[name]
		has := func(what string, found bool) {
			t.Helper()
			if !found {
				t.Errorf("%s lacks %s", name, what)
			}
		}
		has("its name", bytes.Contains(page, []byte("\n"+roffText(strings.TrimSuffix(name, ".1"))+` \- `)))
		for i := range path {
			has("page above it", pages[m.page(path[:i])+".1"] != nil)
		}
		for _, a := range c.Args {
			has(a.Name, bytes.Contains(page, []byte("\n"+roffItalic(a.Name)+"\n")))
		}
		for _, e := range c.Examples {
			has(e.Line, bytes.Contains(page, []byte("\n"+roffText(e.Line)+"\n")))
		}
		for _, f := range append(m.globals.flags(c), c.Flags...) {
			if found := bytes.Contains(page, []byte("\n"+manFlag(f)+"\n")); found == f.Hidden {
				t.Errorf("%s: --%s, hidden %t, found %t", name, f.Name, f.Hidden, found)
			}
		}
	})
}

// tryExamples reads every example, and every recipe of the jq page, as far as
// they are lines for this app, and compiles what they filter with.
func tryExamples(t Tester, newApp func() *App) {
	t.Helper()
	app := withBuiltins(newApp())
	examples := jqRecipes(app)
	leaves(app.Commands, nil, func(path []*Command) { examples = append(examples, path[len(path)-1].Examples...) })
	for _, e := range examples {
		for _, words := range exampleCommands(e.Line) {
			if words[0] != "fal" || app.Noun != "" && (len(words) < 2 || words[1] != app.Noun) {
				continue
			}
			words = words[1:]
			if app.Noun != "" {
				words = words[1:]
			}
			if app.Noun == "" && (len(words) == 0 || !slices.ContainsFunc(app.Commands, called(words[0]))) {
				continue // of a plugin
			}
			app := withBuiltins(newApp())
			l, err := order(app, newGlobals(app).flags, app.Name, words)
			if err != nil {
				t.Errorf("the example %q: %s", e.Line, err)
				continue
			}
			tryFilter(t, app, e.Line, l)
		}
	}
}

// tryFilter compiles the filter of a line.
func tryFilter(t Tester, app *App, line string, l line) {
	t.Helper()
	var expr string
	var variables []output.Variable
	for _, g := range l.flags {
		switch g.flag.Name {
		case "jq":
			expr = g.value
		case "arg", "argjson":
			name, _, _ := strings.Cut(g.value, ArgSeparator)
			v, err := output.Arg(name, "")
			if err != nil {
				t.Errorf("the example %q: %s", line, err)
			}
			variables = append(variables, v)
		}
	}
	if expr == "" || app.CompileJQ == nil {
		return
	}
	if _, err := app.CompileJQ(expr, variables...); err != nil {
		t.Errorf("the example %q: %s", line, err)
	}
}

// exampleCommands are the commands of a shell line, without their quotes.
func exampleCommands(line string) (commands [][]string) {
	var words []string
	word, inWord, quote := "", false, rune(0)
	end := func() {
		if inWord {
			words = append(words, word)
		}
		word, inWord = "", false
	}
	cut := func() {
		if end(); len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for _, r := range line {
		switch {
		case r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ':
			end()
		case strings.ContainsRune("|;&()", r):
			cut()
		case r == '<' || r == '>':
			cut() // the file is a command that is none of ours
		default:
			word, inWord = word+string(r), true
		}
	}
	cut()
	return commands
}
