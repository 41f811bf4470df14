package cli

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ManPages returns the manual pages of the program by their file names: one of
// the program itself ("fal-runners.1") and one of each command that is not
// hidden ("fal-runners-list.1"), as git has them. They follow from the
// declarations, in the man macros, and are the same for the same version and
// date, which may be empty. The page of the program has what all its commands
// have in common: the formats of output, jq, environment variables and exit
// codes. Programs are listed by the page of a dispatcher: name and summary of
// each.
func (a *App) ManPages(version, date string, programs ...[2]string) map[string][]byte {
	app := withBuiltins(a)
	m := manual{app: app, globals: newGlobals(app), version: version, date: date}
	pages := map[string][]byte{app.Name + ".1": m.program(programs)}
	m.commands(app.Commands, nil, pages)
	return pages
}

// manual writes the pages of a program.
type manual struct {
	app           *App
	globals       *globals
	version, date string
}

func (m manual) commands(commands []*Command, above []*Command, pages map[string][]byte) {
	for _, c := range commands {
		if c.Hidden || c.Default && len(above) == 0 {
			continue
		}
		path := append(above[:len(above):len(above)], c)
		pages[m.page(path)+".1"] = m.command(path)
		m.commands(c.Sub, path, pages)
	}
}

// page is the name of the page of a command, or of the program.
func (m manual) page(path []*Command) string {
	return strings.Join(append([]string{m.app.Name}, names(path)...), "-")
}

// begin writes what every page begins with.
func (m manual) begin(w *manWriter, path []*Command, summary string) {
	page := m.page(path)
	w.WriteString(`.\" Written from the declarations of ` + m.app.Name + ", a program of github.com/fal-plugins/fal.\n")
	w.WriteString(`.TH "` + roffText(strings.ToUpper(page)) + `" "1" "` + m.date + `" "` + roffText(strings.TrimSpace("fal "+m.version)) + `" "fal manual"` + "\n")
	// Names are found again only when they are neither parted nor spread.
	w.WriteString(".nh\n.ad l\n")
	w.macro("SH", "NAME")
	w.WriteString(roffText(page) + ` \- ` + roffText(lowerFirst(summary)) + "\n")
	w.macro("SH", "SYNOPSIS")
	usage := usageLine(m.app, path, "fal")
	words := usageWords(m.app, path, "fal")
	w.WriteString(roffBold(words) + roffText(strings.TrimPrefix(usage, words)) + "\n")
	if m.app.Noun != "" {
		w.macro("br")
		own := usageWords(m.app, path, m.app.Name)
		w.WriteString(roffBold(own) + roffText(strings.TrimPrefix(usage, words)) + "\n")
	}
}

// lowerFirst begins a summary as the lists of manual pages have it, but for a
// word in capitals.
func lowerFirst(s string) string {
	if s == "" || len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}

func (m manual) program(programs [][2]string) []byte {
	w := &manWriter{}
	var own []*Command // the command that the program's name alone runs
	var rest []*Command
	for _, c := range m.app.Commands {
		switch {
		case c.Default:
			own = append(own, c)
		case !c.Hidden:
			rest = append(rest, c)
		}
	}
	m.begin(w, own, m.app.Summary)
	w.macro("SH", "DESCRIPTION")
	w.paragraphs(m.app.Summary + ".\n\n" + m.app.Description)
	for _, c := range own {
		w.macro("PP")
		w.paragraphs(c.Description)
	}
	w.macro("PP")
	w.fill(roffProse("Flags may stand anywhere on the line, before the command too; `--` ends them."))
	for _, c := range own {
		m.leaf(w, c)
	}
	m.list(w, "COMMANDS", nil, rest)
	if len(programs) > 0 {
		var rows [][2]string
		for _, p := range programs {
			rows = append(rows, [2]string{roffBold(p[0]) + "(1)", p[1]})
		}
		w.macro("SH", "PROGRAMS")
		w.items(rows)
	}
	if len(own) == 0 {
		m.flags(w, "SHARED OPTIONS", &Command{Output: Records, Environment: true})
	}
	pages := topics(m.app, "fal")
	for _, s := range []struct{ title, topic string }{{"OUTPUT", "output"}, {"JQ", "jq"}, {"ENVIRONMENT", "environment"}, {"EXIT STATUS", "exit-codes"}} {
		m.topic(w, s.title, pages[s.topic])
	}
	see := []string{"fal(1)"}
	if m.app.Noun == "" {
		see = nil
		for _, p := range programs {
			see = append(see, p[0]+"(1)")
		}
	}
	m.seeAlso(w, see)
	return w.Bytes()
}

func (m manual) command(path []*Command) []byte {
	w := &manWriter{}
	c := path[len(path)-1]
	m.begin(w, path, c.Summary)
	w.macro("SH", "DESCRIPTION")
	w.paragraphs(c.Summary + ".\n\n" + c.Description)
	if len(c.Aliases) > 0 {
		w.macro("PP")
		w.fill("Also: " + roffBold(strings.Join(c.Aliases, ", ")))
	}
	see := []string{m.app.Name + "(1)"}
	if len(path) > 1 {
		see = append(see, m.page(path[:len(path)-1])+"(1)")
	}
	if len(c.Sub) > 0 {
		m.list(w, "COMMANDS", path, c.Sub)
	} else {
		m.leaf(w, c)
		w.macro("SH", "EXIT STATUS")
		w.fill(roffProse("0 when it is done; ") + roffBold(m.app.Name) + "(1) lists the other codes, and the environment variables.")
	}
	m.seeAlso(w, see)
	return w.Bytes()
}

// list writes the commands below one.
func (m manual) list(w *manWriter, title string, above []*Command, commands []*Command) {
	var rows [][2]string
	for _, c := range commands {
		if !c.Hidden {
			rows = append(rows, [2]string{roffBold(m.page(append(above[:len(above):len(above)], c))) + "(1)", c.Summary + "."})
		}
	}
	if len(rows) > 0 {
		w.macro("SH", title)
		w.items(rows)
	}
}

func (m manual) leaf(w *manWriter, c *Command) {
	if len(c.Args) > 0 {
		var rows [][2]string
		for _, a := range c.Args {
			rows = append(rows, [2]string{roffItalic(a.Name), a.Usage})
		}
		w.macro("SH", "ARGUMENTS")
		w.items(rows)
	}
	m.flags(w, "OPTIONS", c)
	if c.JSON != nil {
		w.macro("SH", "JSON")
		w.fill(roffText(JSONShape(c.JSON)))
	}
	m.examples(w, c.Examples)
}

func (m manual) flags(w *manWriter, title string, c *Command) {
	w.macro("SH", title)
	for _, g := range flagGroups(m.globals, c) {
		if g.title != "Flags" {
			w.macro("SS", g.title)
		}
		var rows [][2]string
		for _, f := range g.flags {
			rows = append(rows, [2]string{manFlag(f), f.Usage})
		}
		w.items(rows)
	}
}

// manFlag is the head of a flag, as "-o, --output FORMAT".
func manFlag(f *Flag) string {
	var short, long []string
	for _, a := range f.Aliases {
		if len(a) == 1 {
			short = append(short, roffBold("-"+a))
		} else {
			long = append(long, roffBold("--"+a))
		}
	}
	head := strings.Join(slices.Concat(short, []string{roffBold("--" + f.Name)}, long), ", ")
	if f.Placeholder == "" {
		return head
	}
	head += " " + roffItalic(f.Placeholder)
	if f.Greedy {
		head += "..."
	}
	return head
}

func (m manual) examples(w *manWriter, examples []Example) {
	if len(examples) == 0 {
		return
	}
	w.macro("SH", "EXAMPLES")
	m.lines(w, examples)
}

func (m manual) lines(w *manWriter, examples []Example) {
	for i, e := range examples {
		if i > 0 {
			w.macro("PP")
		}
		w.fill(roffProse(upperFirst(e.Comment) + ":"))
		w.verbatim(e.Line)
	}
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func (m manual) topic(w *manWriter, title string, t topic) {
	w.macro("SH", title)
	w.fill(roffProse(t.intro))
	for _, s := range t.sections {
		var rows [][2]string
		for _, r := range s.Rows {
			rows = append(rows, [2]string{roffBold(r[0]), r[1]})
		}
		if len(t.sections) > 1 {
			w.macro("SS", s.Title)
		}
		w.items(rows)
	}
	if len(t.examples) > 0 {
		w.macro("SS", "Recipes")
		m.lines(w, t.examples)
	}
}

// seeAlso writes the names of other pages, as "fal(1)".
func (m manual) seeAlso(w *manWriter, pages []string) {
	if len(pages) == 0 {
		return
	}
	w.macro("SH", "SEE ALSO")
	for i, p := range pages {
		name, section, _ := strings.Cut(p, "(")
		end := ","
		if i == len(pages)-1 {
			end = ""
		}
		w.WriteString(roffBold(name) + "(" + section + end + "\n")
	}
}
