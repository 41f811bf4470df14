package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// place is where the word stands that is being completed.
type place struct {
	*orderer
	dashed  bool  // behind `--`
	pending *Flag // the word is a value of this flag
	taken   int   // how many words of that value stand before it
	greedy  *Flag // the word may be one more value of this flag
	lost    bool  // the line is no line of ours: nothing is known
}

// locate reads the words before the one that is being completed.
func locate(app *App, g *globals, words []string) place {
	at := place{orderer: &orderer{app: app, typed: app.Name, globals: g.flags, line: line{dashAt: -1}}}
	for len(words) > 0 && !at.lost {
		word := words[0]
		words = words[1:]
		at.greedy = nil
		switch {
		case at.dashed:
			at.lost = at.positional(word, true) != nil
		case word == "--":
			at.dashed = true
		case word == "--help" || word == "-h" || word == "--version":
		case looksLikeFlag(word) && !at.inVerbatim():
			words = at.pass(word, words)
		default:
			at.afterSet = nil
			at.lost = at.positional(word, false) != nil
		}
	}
	if at.dashed && !at.isLeaf() {
		if c := at.defaultCommand(); c != nil {
			at.line.path = append(at.line.path, c)
		}
	}
	return at
}

// pass goes over a flag and its values. A flag that is wrong is passed over.
func (at *place) pass(word string, rest []string) []string {
	f, inline := at.valued(word)
	if f != nil {
		need := f.Words()
		if inline {
			need--
		}
		if len(rest) < need {
			at.pending, at.taken = f, f.Words()-need+len(rest)
			at.switches(word)
			return nil
		}
	}
	left, err := at.flag(word, rest)
	if err != nil {
		return rest
	}
	if f != nil && f.Greedy && len(left) == 0 && (len(f.Values) > 0 || at.isLeaf()) {
		at.greedy = f
	}
	return left
}

// switches notes those that stand before a flag with a value in one word, as in
// -fq.
func (at *place) switches(word string) {
	if strings.HasPrefix(word, "--") {
		return
	}
	for i := 1; i < len(word); i++ {
		if f := at.lookup(word[i : i+1]); f == nil || f.Words() > 0 {
			return
		}
		_, _ = at.flag("-"+word[i:i+1], nil) // it is known, and takes nothing
	}
}

// valued is the flag in word that takes a value, and whether that stands in the
// word too; nil without one.
func (at *place) valued(word string) (f *Flag, inline bool) {
	if name, ok := strings.CutPrefix(word, "--"); ok {
		name, _, inline = strings.Cut(name, "=")
		if f = at.lookup(name); f == nil || len(name) == 1 || f.Words() == 0 {
			return nil, false
		}
		return f, inline
	}
	for i := 1; i < len(word); i++ {
		f = at.lookup(word[i : i+1])
		switch {
		case f == nil:
			return nil, false
		case f.Words() > 0:
			return f, i+1 < len(word)
		}
	}
	return nil, false
}

// candidates finds what may stand where r asks.
func candidates(ctx context.Context, app *App, getenv func(string) string, r Request) Reply {
	if r.redirect {
		return Reply{Files: true}
	}
	app = withBuiltins(app)
	at := locate(app, newGlobals(app), r.Words[:len(r.Words)-1])
	s := search{place: at, ctx: ctx}
	s.c = &Completion{
		Getenv: getenv, App: app, Command: at.line.command(), Args: at.line.args, Flags: map[string][]string{}, Began: time.Now(),
		reply: &s.reply,
	}
	s.noteFlags()
	s.word(r.Word())
	return s.reply
}

// search collects candidates.
type search struct {
	place
	ctx   context.Context
	c     *Completion
	reply Reply
}

// noteFlags tells the completers which flags there are.
func (s *search) noteFlags() {
	clear(s.c.Flags)
	for _, g := range s.line.flags {
		s.c.Flags[g.flag.Name] = append(s.c.Flags[g.flag.Name], g.value)
	}
}

func (s *search) add(found ...Candidate) { s.reply.Candidates = append(s.reply.Candidates, found...) }

func (s *search) word(word string) {
	switch {
	case s.lost:
	case s.pending != nil:
		s.value(s.pending, "", word)
	case s.dashed:
		s.argument(word)
	case s.inVerbatim():
	case strings.HasPrefix(word, "-") && word != "-" && s.attached(word):
	case strings.HasPrefix(word, "-"):
		s.flags(word)
		if word == "-" {
			s.argument(word)
		}
	default:
		if s.greedy != nil {
			s.value(s.greedy, "", word)
		}
		if s.greedy == nil || len(s.greedy.Values) > 0 {
			s.argument(word)
		}
		if len(s.reply.Candidates) == 0 && word == "" && s.isLeaf() && !s.takesArg() {
			s.flags("--")
		}
	}
}

// attached completes a value that stands in one word with its flag. It is false
// for a word that is a flag alone.
func (s *search) attached(word string) bool {
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") {
		f := s.lookup(name[2:])
		switch {
		case f == nil:
		case f.Words() == 0:
			s.add(Candidate{Value: name + "=true"}, Candidate{Value: name + "=false"})
		default:
			s.value(f, name+"=", value)
		}
		return true
	}
	if strings.HasPrefix(word, "--") {
		return false
	}
	for i := 1; i < len(word); i++ {
		f := s.lookup(word[i : i+1])
		if f == nil {
			return true
		}
		if f.Words() > 0 && i+1 < len(word) {
			before := word[:i+1]
			if word[i+1] == '=' {
				before += "="
			}
			s.switches(word)
			s.noteFlags()
			s.value(f, before, word[len(before):])
			return true
		}
	}
	return false
}

// flags offers the flags that are not there yet.
func (s *search) flags(word string) {
	var all []*Flag
	switch {
	case s.isLeaf():
		all = s.flagsOf(s.line.command())
	case s.defaultCommand() != nil:
		all = s.flagsOf(s.defaultCommand())
	}
	long, short := []Candidate{}, []Candidate{}
	for _, f := range all {
		if f.Hidden || s.c.Flags[f.Name] != nil && !f.repeats() {
			continue
		}
		long = append(long, Candidate{"--" + f.Name, f.Usage})
		for _, a := range f.Aliases {
			if len(a) == 1 {
				short = append(short, Candidate{"-" + a, f.Usage})
			}
		}
	}
	long = append(long, Candidate{"--help", "show help"})
	if len(s.line.path) == 0 {
		long = append(long, Candidate{"--version", "show the version"})
	}
	if !strings.HasPrefix(word, "--") {
		s.add(append(short, Candidate{"-h", "show help"})...)
	}
	s.add(long...)
}

// repeats reports whether a flag may be given more than once.
func (f *Flag) repeats() bool {
	v, ok := f.Value.(value)
	return f.Greedy || f.Arity > 1 || ok && v.many
}

// value offers values of a flag; before stands in front of them in the word.
func (s *search) value(f *Flag, before, word string) {
	given := slices.Clone(s.c.Flags[f.Name])
	if len(f.Values) > 0 {
		values := f.Values
		if c := s.line.command(); c != nil && f.Name == "output" && f.Group == groupOutput {
			values = c.formats()
		}
		if f.Greedy {
			if i := strings.LastIndexByte(word, ','); i >= 0 {
				given = append(given, strings.Split(word[:i], ",")...)
				before += word[:i+1]
			}
		} else {
			given = nil
		}
		s.offer(slices.DeleteFunc(plain(values), func(c Candidate) bool {
			// Its values are taken in any case.
			return slices.ContainsFunc(given, func(g string) bool { return strings.EqualFold(g, c.Value) })
		}), before, nil)
		return
	}
	if !f.repeats() {
		given = nil
	}
	s.c.Word = word
	switch complete := s.app.CompleteFlags[f.Name]; {
	case f.Complete != nil:
		s.offer(f.Complete(s.ctx, s.c), before, given)
	case complete != nil && f.Group == groupAccount:
		s.offer(complete(s.ctx, s.c), before, given)
	case f.Name == "jq" && f.Group == groupOutput:
		s.offer(jqPaths(s.filtered(), word), before, nil)
		s.reply.NoSpace = true
	}
}

// filtered is what --jq sees, with the flags that there are so far.
func (s *search) filtered() *jqShape {
	c := s.line.command()
	if c == nil {
		c = s.defaultCommand()
	}
	if c == nil {
		return nil
	}
	if c.Stream.Flag != "" && s.c.Flag(c.Stream.Flag) == "true" {
		if c.Stream.Record != nil {
			return shapeOf(c.Stream.Record)
		}
		return c.record()
	}
	format := s.c.Flag("output")
	if format == "" && c.Output == Records && s.c.Flag("json") != "true" {
		format = s.c.Getenv("FAL_OUTPUT")
	}
	if strings.EqualFold(format, string(output.JSONL)) {
		return c.record()
	}
	return shapeOf(c.JSON)
}

// argument offers what is no flag: commands, or values of the next argument.
func (s *search) argument(word string) {
	if !s.isLeaf() {
		s.commands(word)
		if c := s.defaultCommand(); c != nil {
			s.positionalOf(c, word)
		}
		return
	}
	s.positionalOf(s.line.command(), word)
}

func (s *search) positionalOf(c *Command, word string) {
	n := len(s.line.args)
	if n >= len(c.Args) {
		if len(c.Args) == 0 || !c.Args[len(c.Args)-1].Repeat {
			return
		}
		n = len(c.Args) - 1
	}
	if complete := c.Args[n].Complete; complete != nil {
		s.c.Command, s.c.Word = c, word
		s.offer(complete(s.ctx, s.c), "", s.line.args)
	}
}

// commands offers commands, and their other names to those who type them.
func (s *search) commands(word string) {
	var aliases []Candidate
	named := false
	for _, c := range s.children() {
		if c.Hidden || c.Default {
			continue
		}
		named = named || strings.HasPrefix(c.Name, word)
		s.add(Candidate{c.Name, c.Summary})
		for _, a := range c.Aliases {
			aliases = append(aliases, Candidate{a, c.Summary})
		}
	}
	if !named {
		s.add(aliases...)
	}
}

func (s *search) offer(found []Candidate, before string, given []string) {
	for _, c := range found {
		if !slices.Contains(given, c.Value) {
			s.add(Candidate{before + c.Value, c.Description})
		}
	}
}
