package cli

import (
	"fmt"
	"reflect"
	"strings"
)

// jqTopic is the page about filtering: what it does, the keys of each command
// of the program, and lines to start from.
func jqTopic(app *App, typed string) topic {
	t := topic{
		title: "Filtering with jq",
		intro: "--jq EXPR (-q EXPR) filters what a command prints as JSON. It needs no jq, speaks its language, and the expression is checked before anything is requested.",
		sections: []HelpSection{
			{Title: "What comes out", Rows: [][2]string{
				{"strings", "raw, without quotes"},
				{"other values", "compact in a pipe, indented on a terminal; numbers are exact"},
				{"no result", "nothing, and exit code 0"},
				{"an error", "exit code 5, behind what was printed before it; halt_error gives its own code"},
			}},
			{Title: "What goes in", Rows: [][2]string{
				{"--arg NAME VALUE", "sets $NAME to a string; values of the shell belong here, not into the expression"},
				{"--argjson NAME JSON", "sets $NAME to any JSON value"},
				{"env.NAME, $ENV.NAME", "an environment variable"},
				{"-o jsonl", "applies the expression to each record instead of to the whole, as --follow and --watch do"},
				{"a key with ?", "in the help, one that a record need not have"},
			}},
		},
	}
	switch {
	case app.CompileJQ != nil:
	case app.Noun == "":
		t.intro += " The commands of fal itself have no --jq: their JSON is piped into jq. `fal help runners jq` shows lines to start from for that program, and so on for the others."
	default:
		t.intro += " This program has no --jq: its JSON is piped into jq."
	}
	if keys := commandKeys(app, typed); len(keys) > 0 {
		t.sections = append(t.sections, HelpSection{Title: "Keys of the JSON", Rows: keys})
	}
	t.examples = jqRecipes(app)
	return t
}

// commandKeys are the commands that print JSON, with its keys, and with those of
// what they print one by one.
func commandKeys(app *App, typed string) (rows [][2]string) {
	leaves(app.Commands, nil, func(path []*Command) {
		if c := path[len(path)-1]; c.JSON != nil {
			words := usageWords(app, path, typed)
			rows = append(rows, [2]string{words, JSONShape(c.JSON)})
			if c.Stream.Record != nil {
				rows = append(rows, [2]string{words + " --" + c.Stream.Flag, JSONShape(c.Stream.Record)})
			}
		}
	})
	return rows
}

// KeysQuestion are the arguments with which a program of the suite says which
// keys the JSON of its commands has; KeysAnswer reads what it prints.
func KeysQuestion() []string { return []string{HelpWord, "jq", "--keys"} }

// KeysAnswer returns the commands and their keys, but for those that every
// program has.
func KeysAnswer(text string) (rows [][2]string) {
	for l := range strings.Lines(text) {
		command, keys, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		if ok && !strings.HasSuffix(command, " version") {
			rows = append(rows, [2]string{command, keys})
		}
	}
	return rows
}

func writeKeys(inv *Invocation) error {
	for _, r := range commandKeys(withBuiltins(inv.App), inv.typed) {
		if _, err := fmt.Fprintf(inv.IO.Out, "%s\t%s\n", r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

// leaves calls visit with the path to each command that runs something and is
// not hidden.
func leaves(commands []*Command, above []*Command, visit func(path []*Command)) {
	for _, c := range commands {
		path := append(above[:len(above):len(above)], c)
		switch {
		case c.Hidden:
		case len(c.Sub) > 0:
			leaves(c.Sub, path, visit)
		default:
			visit(path)
		}
	}
}

// jqRecipes are lines about the first list of the program, and what the
// commands themselves have as examples.
func jqRecipes(app *App) []Example {
	var recipes []Example
	leaves(app.Commands, nil, func(path []*Command) {
		if len(recipes) > 0 || path[len(path)-1].Output != Records {
			return
		}
		list, keys := listKeys(path[len(path)-1].JSON)
		if list == "" {
			return
		}
		words := usageWords(app, path, "fal")
		recipes = append(recipes, Example{"how many there are", filtered(app, words, fmt.Sprintf(".%s | length", list))})
		if len(keys) > 1 {
			recipes = append(recipes, Example{"a line for each, with tabs between the values",
				filtered(app, words, fmt.Sprintf(".%s[] | [.%s] | @tsv", list, strings.Join(keys[:min(3, len(keys))], ", .")))})
		}
		recipes = append(recipes,
			Example{"those with a value that a variable of the shell holds", filtered(app, words, fmt.Sprintf(".%s[] | select(.%s == $wanted)", list, keys[0]), "--arg", "wanted", `"$WANTED"`)})
	})
	leaves(app.Commands, nil, func(path []*Command) {
		for _, e := range path[len(path)-1].Examples {
			if strings.Contains(e.Line, "jq ") || strings.Contains(e.Line, "-q ") {
				recipes = append(recipes, e)
			}
		}
	})
	return recipes
}

// filtered is a command line with a filter: the program's own, or jq.
func filtered(app *App, words, expr string, more ...string) string {
	if app.CompileJQ == nil {
		line := words + " --json | jq -r "
		for _, m := range more {
			line += m + " "
		}
		return line + Quote(expr)
	}
	return strings.Join(append([]string{words, "--jq", Quote(expr)}, more...), " ")
}

// listKeys finds the list in a contract struct, and in its records the keys of
// plain values, those of texts first.
func listKeys(v any) (list string, keys []string) {
	if v == nil {
		return "", nil
	}
	for _, k := range contractKeys(reflect.TypeOf(v)) {
		if k.is.Kind() != reflect.Slice {
			continue
		}
		var others []string
		for _, of := range contractKeys(k.is.Elem()) {
			switch kind := of.is.Kind(); {
			case kind == reflect.String:
				keys = append(keys, of.name)
			case kind == reflect.Bool, kind >= reflect.Int && kind <= reflect.Float64:
				others = append(others, of.name)
			}
		}
		if keys = append(keys, others...); len(keys) > 0 {
			return k.name, keys
		}
	}
	return "", nil
}

// jsonKey is the key of a field of a contract struct; empty without one.
func jsonKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if key == "-" {
		return ""
	}
	return key
}
