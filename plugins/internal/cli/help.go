package cli

import (
	"bytes"
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
			h.typed+" help exit-codes`, `environment` and `output` describe what all have in common.", 0)
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

	flags := append(slices.Clone(c.Flags), h.globals.flags(c)...)
	flags = append(flags, &Flag{Name: "help", Aliases: []string{"h"}, Group: groupGeneral, Usage: "show this help", Value: Bool(new(bool))})
	var groups []string
	byGroup := map[string][][2]string{}
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		group := f.Group
		if group == "" {
			group = "Flags"
		}
		if _, ok := byGroup[group]; !ok {
			groups = append(groups, group)
		}
		byGroup[group] = append(byGroup[group], [2]string{flagSyntax(f), f.Usage})
	}
	for _, g := range groups {
		h.section(b, g, byGroup[g])
	}
	if c.JSON != nil {
		b.WriteString("\n")
		h.heading(b, "JSON")
		h.wrap(b, JSONShape(c.JSON), helpIndent)
	}
	if len(c.Examples) > 0 {
		b.WriteString("\n")
		h.heading(b, "Examples")
		for i, e := range c.Examples {
			if i > 0 {
				b.WriteString("\n")
			}
			b.WriteString("  # " + e.Comment + "\n  " + retype(e.Line, h.app, h.typed) + "\n")
		}
	}
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
		for f := range t.Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key == "" || key == "-" {
				continue
			}
			if inner := shape(f.Type, depth+1); inner != "" {
				key += ": " + inner
			}
			keys = append(keys, key)
		}
		if len(keys) == 0 {
			return ""
		}
		return "{" + strings.Join(keys, ", ") + "}"
	}
	return ""
}

func helpCommand() *Command {
	var words []string
	return &Command{
		Name: "help", Summary: "Describe a command, or exit-codes, environment, output",
		Args: []Arg{{Name: "COMMAND", Usage: "a command, or one of the topics exit-codes, environment, output",
			Optional: true, Repeat: true, Value: Strings(&words)}},
		Run: func(ctx context.Context, inv *Invocation) error { return Help(inv, words) },
	}
}

// Help writes the help of the command or topic that words name.
func Help(inv *Invocation, words []string) error {
	app := withBuiltins(inv.App)
	h := helpText{app: app, globals: newGlobals(app), typed: inv.typed, streams: inv.IO}
	if len(words) == 1 {
		if t, ok := topics()[words[0]]; ok {
			return h.topic(inv.IO.Out, t)
		}
	}
	var path []*Command
	siblings := app.Commands
	for _, w := range words {
		i := slices.IndexFunc(siblings, func(c *Command) bool { return c.Name == w || slices.Contains(c.Aliases, w) })
		if i < 0 {
			e := Usagef("no help for %q", strings.Join(words, " "))
			if near := suggest.Nearest(w, append(commandNames(siblings), topicNames()...)); near != "" {
				e = e.WithHint("did you mean " + near + "?")
			}
			return e
		}
		path = append(path, siblings[i])
		siblings = siblings[i].Sub
	}
	return h.command(inv.IO.Out, path)
}
