package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// A line is an argument list put in order: which command, its flags by their
// long names, its arguments. urfave/cli stops reading flags at the first
// argument and knows no flag with several values, so it is handed lines only
// in the form that canonical gives.
type line struct {
	path    []*Command // from below the app to the command; empty: the app
	flags   []given
	args    []string
	dashAt  int // len(args) when `--` came, or -1
	help    bool
	version bool
	unread  bool // an error ended the reading
}

type given struct {
	flag  *Flag
	typed string // as typed: "-o"
	value string
}

func (l line) command() *Command {
	if len(l.path) == 0 {
		return nil
	}
	return l.path[len(l.path)-1]
}

// canonical is the line as urfave/cli reads it without any doubt.
func (l line) canonical() []string {
	var words []string
	for _, c := range l.path {
		words = append(words, c.Name)
	}
	for _, f := range l.flags {
		words = append(words, "--"+f.flag.Name+"="+f.value)
	}
	return append(append(words, "--"), l.args...)
}

type orderer struct {
	app     *App
	typed   string                 // "fal runners" or "fal-runners"
	globals func(*Command) []*Flag // the flags that the app adds to a command
	line    line
	// afterSet is the closed-set flag whose values ended at the last word.
	afterSet *given
	// greedy is the last flag that takes any words up to the next flag.
	greedy *taken
}

// taken are the words that a flag took.
type taken struct {
	typed string
	words []string
}

// order reads argv. It returns what it understood together with the error, so
// that help and the form of the error can be right.
func order(app *App, globals func(*Command) []*Flag, typed string, argv []string) (line, error) {
	o := &orderer{app: app, typed: typed, globals: globals, line: line{dashAt: -1}}
	err := o.read(argv)
	o.line.unread = err != nil
	return o.line, err
}

func (o *orderer) read(words []string) error {
	// Help wins over every error in the rest of the line.
	for _, w := range words {
		if w == "--" {
			break
		}
		if w == "--help" || w == "-h" {
			o.line.help = true
		}
	}
	early := 0 // flags before the command: judged when it is known
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--":
			o.line.dashAt = len(o.line.args)
			for _, w := range words {
				if err := o.positional(w, true); err != nil {
					return err
				}
			}
			words = nil
		case word == "--help" || word == "-h":
		case word == "--version" && len(o.line.path) == 0:
			o.line.version = true
		case looksLikeFlag(word):
			if o.inVerbatim() && !o.line.help {
				return o.undecided(word, words)
			}
			rest, err := o.flag(word, words)
			if err != nil {
				if o.line.help {
					continue
				}
				return err
			}
			words = rest
			if !o.isLeaf() {
				early = len(o.line.flags)
			}
		default:
			if err := o.positional(word, false); err != nil {
				if o.line.help {
					return nil
				}
				return err
			}
		}
	}
	if c := o.defaultCommand(); c != nil && !o.line.version {
		o.line.path = append(o.line.path, c)
	}
	if o.line.help || o.line.version {
		return nil
	}
	if !o.isLeaf() {
		if early > 0 {
			return Usagef("flags, and no command").WithHint(o.seeHelp())
		}
		return nil
	}
	known := o.flagsOf(o.line.command())
	for i, g := range o.line.flags[:early] {
		f := find(known, g.flag.Name)
		if f == nil {
			return o.unknownFlag(g.typed)
		}
		o.line.flags[i].flag = f
	}
	return o.swallowed()
}

func (o *orderer) isLeaf() bool {
	c := o.line.command()
	return c != nil && len(c.Sub) == 0
}

// inVerbatim reports whether the first word of a Verbatim argument has come.
func (o *orderer) inVerbatim() bool {
	if !o.isLeaf() {
		return false
	}
	args := o.line.command().Args
	return len(args) > 0 && args[len(args)-1].Verbatim && len(o.line.args) >= len(args)
}

// undecided is the error for a flag inside a Verbatim argument, with the line
// as it must be written if the flag belongs to it.
func (o *orderer) undecided(word string, rest []string) error {
	words := []string{o.typedPath()}
	for _, g := range o.line.flags {
		words = append(words, g.typed)
		if g.flag.Value.kind() != kindBool {
			words[len(words)-1] = "--" + g.flag.Name + "=" + Quote(g.value)
		}
	}
	own := len(o.line.command().Args) - 1
	for _, w := range o.line.args[:own] {
		words = append(words, Quote(w))
	}
	words = append(words, "--")
	for _, w := range slices.Concat(o.line.args[own:], []string{word}, rest) {
		words = append(words, Quote(w))
	}
	return Usagef("%s could be a flag of `%s` or of %s", word, o.typedPath(), o.line.args[own]).WithHint(strings.Join(words, " "))
}

func (o *orderer) children() []*Command {
	if c := o.line.command(); c != nil {
		return c.Sub
	}
	return o.app.Commands
}

func (o *orderer) positional(word string, dashed bool) error {
	if o.isLeaf() {
		if !dashed && o.afterSet != nil && !o.takesArg() {
			return o.noSuchValue(*o.afterSet, word)
		}
		o.line.args = append(o.line.args, word)
		return nil
	}
	if c := o.defaultCommand(); c != nil && (dashed || !slices.ContainsFunc(o.children(), o.verb(word))) {
		o.line.path = append(o.line.path, c)
		return o.positional(word, dashed)
	}
	if dashed {
		return Usagef("a command must come before `--`").WithHint(o.seeHelp())
	}
	if i := slices.IndexFunc(o.children(), o.verb(word)); i >= 0 {
		o.line.path = append(o.line.path, o.children()[i])
		return nil
	}
	// What stands behind an equals sign can be a secret that lacks its command.
	word, _, _ = strings.Cut(word, "=")
	e := Usagef("unknown command %q", word)
	for _, meant := range o.meant(word) {
		e = e.WithHint("did you mean `" + meant + "`?")
	}
	return e.WithHint(o.seeHelp())
}

// meant are the commands, as they are typed, that a word which is none may stand
// for.
func (o *orderer) meant(word string) []string {
	if len(o.line.path) == 0 && o.app.Noun != "" {
		if found := suggest.Foreign(o.app.Noun, word); len(found) > 0 {
			for i := range found {
				found[i] = "fal " + found[i]
			}
			return found
		}
	}
	commands := o.children()
	if alike := suggest.Alike(word, commandNames(commands)); alike != "" {
		return []string{o.typedPath() + " " + commands[slices.IndexFunc(commands, called(alike))].Name}
	}
	if near := suggest.Nearest(word, commandNames(commands)); near != "" {
		return []string{o.typedPath() + " " + near}
	}
	return nil
}

// defaultCommand is the command of a line that has named none so far, or nil.
func (o *orderer) defaultCommand() *Command {
	if len(o.line.path) > 0 {
		return nil
	}
	for _, c := range o.app.Commands {
		if c.Default {
			return c
		}
	}
	return nil
}

// verb says which command a word names. A default command that takes an
// argument has none: its name can be that argument.
func (o *orderer) verb(word string) func(*Command) bool {
	return func(c *Command) bool { return called(word)(c) && !(c.Default && len(c.Args) > 0) }
}

func called(word string) func(*Command) bool {
	return func(c *Command) bool { return c.Name == word || slices.Contains(c.Aliases, word) }
}

// names are the words that name a command, as they are shown.
func names(path []*Command) []string {
	var words []string
	for _, c := range path {
		if !c.Default {
			words = append(words, c.Name)
		}
	}
	return words
}

// takesArg reports whether the command has room for one more argument.
func (o *orderer) takesArg() bool {
	args := o.line.command().Args
	return len(args) > len(o.line.args) || len(args) > 0 && args[len(args)-1].Repeat
}

func (o *orderer) typedPath() string {
	return strings.Join(append([]string{o.typed}, names(o.line.path)...), " ")
}

func (o *orderer) seeHelp() string { return "`" + o.typedPath() + " --help` shows what there is" }

// flag reads the flag in word, with its values from rest, and returns what is
// left.
func (o *orderer) flag(word string, rest []string) ([]string, error) {
	o.afterSet = nil
	if strings.HasPrefix(word, "--") {
		name, inline, hasInline := strings.Cut(word[2:], "=")
		f := o.lookup(name)
		if f == nil || len(name) == 1 {
			return nil, o.unknownFlag("--" + name)
		}
		return o.values(f, "--"+name, inline, hasInline, rest)
	}
	letters := word[1:]
	for letters != "" {
		name := letters[:1]
		letters = letters[1:]
		if name == "h" {
			o.line.help = true
			continue
		}
		f := o.lookup(name)
		if f == nil {
			return nil, o.unknownFlag("-" + name)
		}
		if f.Value.kind() == kindBool && !strings.HasPrefix(letters, "=") {
			o.add(f, "-"+name, "true")
			continue
		}
		inline, equals := strings.CutPrefix(letters, "=")
		return o.values(f, "-"+name, inline, equals || inline != "", rest)
	}
	return rest, nil
}

func (o *orderer) values(f *Flag, typed, inline string, hasInline bool, rest []string) ([]string, error) {
	switch {
	case f.Value.kind() == kindBool:
		if !hasInline {
			inline = "true"
		}
		o.add(f, typed, inline)
		return rest, nil
	case f.Arity > 1:
		words := []string{}
		if hasInline {
			words = append(words, inline)
		}
		for len(words) < f.Arity && len(rest) > 0 {
			words, rest = append(words, rest[0]), rest[1:]
		}
		if len(words) < f.Arity {
			return nil, Usagef("flag %s needs %s", typed, f.Placeholder)
		}
		o.add(f, typed, strings.Join(words, ArgSeparator))
		return rest, nil
	}
	if !hasInline {
		if len(rest) == 0 || looksLikeFlag(rest[0]) && !(f.Value.kind() == kindNumber && isNumber(rest[0])) {
			return nil, noValue(f, typed, rest)
		}
		inline, rest = rest[0], rest[1:]
	}
	o.addSplit(f, typed, inline)
	if !f.Greedy || len(f.Values) == 0 && !o.isLeaf() {
		return rest, nil // before the command, an open set would swallow it
	}
	if len(f.Values) == 0 {
		o.greedy = &taken{typed: typed, words: []string{inline}}
	}
	for len(rest) > 0 && !looksLikeFlag(rest[0]) {
		if len(f.Values) > 0 && !inSet(f, rest[0]) {
			o.afterSet = &given{flag: f, typed: typed}
			break
		}
		o.addSplit(f, typed, rest[0])
		if len(f.Values) == 0 {
			o.greedy.words = append(o.greedy.words, rest[0])
		}
		rest = rest[1:]
	}
	return rest, nil
}

// noValue is the error of a flag without a value. What stands there may be one
// that looks like a flag, if the flag takes it.
func noValue(f *Flag, typed string, rest []string) error {
	e := Usagef("flag %s needs a value", typed)
	if len(rest) == 0 || rest[0] == "--" {
		return e
	}
	refused := setFlag(f, rest[0]) // the line is not run any more
	switch {
	case refused == nil:
		return e.WithHint(fmt.Sprintf("write --%s=%s if that is the value", f.Name, rest[0]))
	case isNumber(rest[0]):
		return refused
	}
	return e
}

// swallowed is the error of a line that lacks an argument after a flag that took
// several words; nil for other lines.
func (o *orderer) swallowed() error {
	if o.greedy == nil || len(o.greedy.words) < 2 {
		return nil
	}
	missing := slices.IndexFunc(o.line.command().Args, func(a Arg) bool { return !a.Optional })
	if missing < 0 || missing < len(o.line.args) {
		return nil
	}
	name := o.line.command().Args[missing].Name
	return Usagef("%s is missing", name).WithHint(fmt.Sprintf("%s took %s: write %s before it, or end its words with another flag",
		o.greedy.typed, strings.Join(o.greedy.words, " "), name))
}

func (o *orderer) add(f *Flag, typed, value string) {
	o.line.flags = append(o.line.flags, given{flag: f, typed: typed, value: value})
}

func (o *orderer) addSplit(f *Flag, typed, value string) {
	if !f.Greedy || len(f.Values) == 0 {
		o.add(f, typed, value)
		return
	}
	for v := range strings.SplitSeq(value, ",") {
		o.add(f, typed, v)
	}
}

// lookup finds a flag of the command, or, before the command is known, of any
// command below: its number of values must be known to go on reading.
func (o *orderer) lookup(name string) *Flag {
	if c := o.line.command(); o.isLeaf() {
		return find(o.flagsOf(c), name)
	}
	var search func(cs []*Command) *Flag
	search = func(cs []*Command) *Flag {
		for _, c := range cs {
			if f := find(o.flagsOf(c), name); f != nil {
				return f
			}
			if f := search(c.Sub); f != nil {
				return f
			}
		}
		return nil
	}
	return search(o.children())
}

func (o *orderer) flagsOf(c *Command) []*Flag {
	return append(slices.Clone(c.Flags), o.globals(c)...)
}

func find(flags []*Flag, name string) *Flag {
	for _, f := range flags {
		if f.Name == name || slices.Contains(f.Aliases, name) {
			return f
		}
	}
	return nil
}

func (o *orderer) unknownFlag(typed string) error {
	e := Usagef("unknown flag %s", typed)
	if o.isLeaf() {
		e.Message += " for `" + o.typedPath() + "`"
	}
	var names []string
	collect := func(c *Command) {
		for _, f := range o.flagsOf(c) {
			if !f.Hidden {
				names = append(names, "--"+f.Name)
			}
		}
	}
	if o.isLeaf() {
		collect(o.line.command())
	} else {
		for _, c := range o.children() {
			collect(c)
		}
	}
	if o.app.CompileJQ == nil && (typed == "--jq" || typed == "-q") {
		return e.WithHint("this program has no jq in it: pipe its JSON into jq")
	}
	if strings.HasPrefix(typed, "--") {
		if near := suggest.Nearest(typed, names); near != "" {
			return e.WithHint("did you mean " + near + "?")
		}
	}
	return e.WithHint(o.seeHelp())
}

func (o *orderer) noSuchValue(g given, word string) error {
	if near := suggest.Nearest(word, g.flag.Values); near != "" {
		return Usagef("unknown value %q for %s", word, g.typed).WithHint("did you mean " + near + "?")
	}
	return unexpectedArgument(word)
}

func unexpectedArgument(word string) *Error { return Usagef("unexpected argument %q", word) }

func inSet(f *Flag, word string) bool {
	for v := range strings.SplitSeq(word, ",") {
		if !slices.ContainsFunc(f.Values, func(known string) bool { return strings.EqualFold(known, v) }) {
			return false
		}
	}
	return true
}

// looksLikeFlag: a lone dash is a value (standard input, by custom).
func looksLikeFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

func isNumber(word string) bool {
	return len(word) > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9'
}

func commandNames(cs []*Command) []string {
	var names []string
	for _, c := range cs {
		if !c.Hidden {
			names = append(append(names, c.Name), c.Aliases...)
		}
	}
	return names
}
