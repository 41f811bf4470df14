package cli

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// helpText writes help from the declarations; there is no other source.
type helpText struct {
	app     *App
	globals *globals
	typed   string
	streams *iostreams.Streams
}

const (
	helpIndent   = 2
	defaultWidth = 80
	widestHelp   = 100 // longer lines are hard to read
)

// command writes the help of the command at path, or of the app.
func (h helpText) command(w io.Writer, path []*Command) error {
	var b bytes.Buffer
	summary, description, subs := h.app.Summary, h.app.Description, h.app.Commands
	var c *Command
	if len(path) > 0 {
		c = path[len(path)-1]
		summary, description, subs = c.Summary, c.Description, c.Sub
	}
	b.WriteString(summary + ".\n\n")
	h.heading(&b, "Usage")
	b.WriteString("  " + usageLine(h.app, path, h.typed) + "\n")
	if c != nil && len(c.Aliases) > 0 {
		b.WriteString("\n")
		h.heading(&b, "Aliases")
		b.WriteString("  " + strings.Join(c.Aliases, ", ") + "\n")
	}
	if description != "" {
		for paragraph := range strings.SplitSeq(description, "\n\n") {
			b.WriteString("\n")
			h.wrap(&b, retype(paragraph, h.app, h.typed), 0)
		}
	}
	title := "Commands"
	if c == nil && h.app.Overview != nil {
		for _, s := range h.app.Overview() {
			h.section(&b, s.Title, s.Rows)
		}
		title = "Built in"
	}
	var rows [][2]string
	for _, s := range subs {
		if !s.Hidden {
			rows = append(rows, [2]string{s.Name, s.Summary})
		}
	}
	h.section(&b, title, rows)
	if c != nil && len(c.Sub) == 0 {
		h.leaf(&b, c)
	}
	if c == nil || len(c.Sub) > 0 {
		b.WriteString("\n")
		h.wrap(&b, "`"+usageWords(h.app, path, h.typed)+" COMMAND --help` describes a command; `"+
			h.typed+" help exit-codes`, `environment`, `output` and `jq` describe what all have in common.", 0)
		if c == nil {
			b.WriteString("\n")
			h.wrap(&b, h.shared(), 0)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (h helpText) leaf(b *bytes.Buffer, c *Command) {
	var rows [][2]string
	for _, a := range c.Args {
		rows = append(rows, [2]string{a.Name, a.Usage})
	}
	h.section(b, "Arguments", rows)

	for _, g := range flagGroups(h.globals, c) {
		var rows [][2]string
		for _, f := range g.flags {
			rows = append(rows, [2]string{flagSyntax(f), f.Usage})
		}
		h.section(b, g.title, rows)
	}
	if c.JSON != nil {
		b.WriteString("\n")
		h.heading(b, "JSON")
		h.wrap(b, JSONShape(c.JSON), helpIndent)
	}
	h.examples(b, "Examples", c.Examples)
}

func (h helpText) examples(b *bytes.Buffer, title string, examples []Example) {
	if len(examples) == 0 {
		return
	}
	b.WriteString("\n")
	h.heading(b, title)
	for i, e := range examples {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("  # " + e.Comment + "\n  " + retype(e.Line, h.app, h.typed) + "\n")
	}
}

// flagGroup is a heading and the flags under it.
type flagGroup struct {
	title string
	flags []*Flag
}

// flagGroups are the flags of a command that are not hidden, its own first.
func flagGroups(g *globals, c *Command) []flagGroup {
	flags := append(slices.Clone(c.Flags), g.flags(c)...)
	flags = append(flags, &Flag{Name: "help", Aliases: []string{"h"}, Group: groupGeneral, Usage: "show this help", Value: Bool(new(bool))})
	var groups []flagGroup
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		title := cmp.Or(f.Group, "Flags")
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.title == title })
		if i < 0 {
			i = len(groups)
			groups = append(groups, flagGroup{title: title})
		}
		groups[i].flags = append(groups[i].flags, f)
	}
	return groups
}

func (h helpText) heading(b *bytes.Buffer, title string) {
	b.WriteString(h.streams.PaintOut(iostreams.Bold, title+":") + "\n")
}

// section writes two columns, the second one wrapped.
func (h helpText) section(b *bytes.Buffer, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n")
	h.heading(b, title)
	left := 0
	for _, r := range rows {
		if n := len(r[0]); n <= 30 {
			left = max(left, n)
		}
	}
	column := helpIndent + left + 2
	for _, r := range rows {
		b.WriteString(strings.Repeat(" ", helpIndent) + r[0])
		if r[1] == "" {
			b.WriteString("\n")
			continue
		}
		if len(r[0]) > left {
			b.WriteString("\n" + strings.Repeat(" ", column))
		} else {
			b.WriteString(strings.Repeat(" ", left-len(r[0])+2))
		}
		for i, l := range wrapLines(r[1], h.width()-column) {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", column))
			}
			b.WriteString(l + "\n")
		}
	}
}

func (h helpText) wrap(b *bytes.Buffer, text string, indent int) {
	for _, l := range wrapLines(text, h.width()-indent) {
		b.WriteString(strings.Repeat(" ", indent) + l + "\n")
	}
}

func (h helpText) width() int {
	w := h.streams.Width()
	if w <= 0 {
		w = defaultWidth
	}
	return max(40, min(w, widestHelp))
}

// shared names the flags that stand in the help of each command.
func (h helpText) shared() string {
	var names []string
	for _, f := range h.globals.flags(&Command{Output: Records}) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	}
	return "Flags that most commands take, anywhere on the line: " + strings.Join(names, ", ") + "."
}

func usageWords(app *App, path []*Command, typed string) string {
	words := []string{typed}
	if typed == "fal" && app.Noun != "" {
		words = append(words, app.Noun)
	}
	return strings.Join(append(words, names(path)...), " ")
}

func usageLine(app *App, path []*Command, typed string) string {
	usage := usageWords(app, path, typed)
	if len(path) == 0 || len(path[len(path)-1].Sub) > 0 {
		return usage + " COMMAND [flags]"
	}
	for _, a := range path[len(path)-1].Args {
		name := a.Name
		if a.Verbatim {
			return usage + " [flags] -- " + name + "..."
		}
		if a.Repeat {
			name += "..."
		}
		if a.Optional {
			name = "[" + name + "]"
		}
		usage += " " + name
	}
	return usage + " [flags]"
}

func flagSyntax(f *Flag) string {
	short, long := "    ", "--"+f.Name
	for _, a := range f.Aliases {
		if len(a) == 1 {
			short = "-" + a + ", "
		} else {
			long += ", --" + a
		}
	}
	if f.Placeholder != "" {
		long += " " + f.Placeholder
		if f.Greedy {
			long += "..."
		}
	}
	return short + long
}

func wrapLines(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case len(line)+1+len(word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// JSONShape describes the keys of a contract struct, nested ones too.
func JSONShape(v any) string {
	return shape(reflect.TypeOf(v), 0)
}

func shape(t reflect.Type, depth int) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice:
		inner := shape(t.Elem(), depth)
		if inner == "" {
			return "[...]"
		}
		return "[" + inner + "]"
	case reflect.Struct:
		if depth > 3 {
			return "{...}"
		}
		var keys []string
		for _, k := range contractKeys(t) {
			if inner := shape(k.is, depth+1); inner != "" {
				k.name += ": " + inner
			}
			keys = append(keys, k.name)
		}
		if len(keys) == 0 {
			return ""
		}
		return "{" + strings.Join(keys, ", ") + "}"
	}
	return ""
}

// HelpSummary is the summary of a help command.
func HelpSummary() string { return "Describe a command, or " + strings.Join(TopicNames(), ", ") }

// HelpArg is what a help command takes: words that name a command, or a topic.
func HelpArg(words *[]string) Arg {
	return Arg{Name: "COMMAND", Usage: "a command with its subcommands, or one of the topics " + strings.Join(TopicNames(), ", "),
		Optional: true, Repeat: true, Value: Strings(words), Complete: completeHelp}
}

// completeHelp offers the commands below those that were given, and the topics
// when none was.
func completeHelp(_ context.Context, c *Completion) []Candidate {
	siblings := c.App.Commands
	for _, w := range c.Args {
		i := slices.IndexFunc(siblings, called(w))
		if i < 0 {
			return nil
		}
		siblings = siblings[i].Sub
	}
	var found []Candidate
	for _, s := range siblings {
		if !s.Hidden && !s.Default {
			found = append(found, Candidate{s.Name, s.Summary})
		}
	}
	if len(c.Args) == 0 {
		for _, name := range TopicNames() {
			found = append(found, Candidate{name, topics(c.App, "")[name].title})
		}
	}
	return found
}

func helpCommand() *Command {
	var words []string
	keys := false
	return &Command{
		Name: "help", Summary: HelpSummary(), Args: []Arg{HelpArg(&words)},
		Flags: []*Flag{{Name: "keys", Hidden: true, Value: Bool(&keys), Usage: "of jq: the keys alone, a command a line"}},
		Run: func(ctx context.Context, inv *Invocation) error {
			if keys {
				return writeKeys(inv)
			}
			return Help(inv, words)
		},
	}
}

// Help writes the help of the command or topic that words name. More sections
// go behind those of a topic.
func Help(inv *Invocation, words []string, more ...HelpSection) error {
	app := withBuiltins(inv.App)
	h := helpText{app: app, globals: newGlobals(app), typed: inv.typed, streams: inv.IO}
	if len(words) == 1 {
		if t, ok := topics(app, inv.typed)[words[0]]; ok {
			return h.topic(inv.IO.Out, t, more)
		}
	}
	var path []*Command
	if i := slices.IndexFunc(app.Commands, func(c *Command) bool { return c.Default }); i >= 0 && len(words) == 0 {
		path = app.Commands[i : i+1]
	}
	siblings := app.Commands
	for i, w := range words {
		at := slices.IndexFunc(siblings, called(w))
		if at < 0 {
			known := commandNames(siblings)
			if i == 0 {
				known = append(known, TopicNames()...)
			}
			e := Usagef("no help for %q", strings.Join(words, " "))
			help := []string{inv.typed, "help"}
			if app.argumentsOnly() {
				help = []string{"fal", "help", app.Noun}
			}
			if near := suggest.Nearest(w, known); near != "" {
				e = e.WithHint("did you mean `" + strings.Join(slices.Concat(help, names(path), []string{near}), " ") + "`?")
			}
			if app.argumentsOnly() {
				return e.WithHint("`" + inv.typed + " --help` describes the command")
			}
			return e.WithHint("`" + inv.typed + " help` lists the commands")
		}
		path = append(path, siblings[at])
		siblings = siblings[at].Sub
	}
	return h.command(inv.IO.Out, path)
}
