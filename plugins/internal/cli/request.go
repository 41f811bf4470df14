package cli

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Request is a question of a shell: how may this line go on?
type Request struct {
	// Words are those behind the program's name, without quotes. The last one
	// is being completed; there is always one.
	Words []string

	shell    string
	typed    *quoted // the last word as it was typed, where that is known
	text     string  // the end of it that readline replaces
	list     bool    // the candidates are shown, not inserted
	columns  int     // of the terminal; 0: not known
	opaque   bool    // nobody knows what the word means: the shell will evaluate a part of it
	redirect bool    // the word is a file to redirect to
	null     bool    // the lines of the answer end in a NUL, so that a newline may be in one
}

// ReadRequest reads the arguments of a program whose first is CompleteWord.
func ReadRequest(args []string) (Request, error) {
	malformed := errors.New("malformed " + CompleteWord)
	if len(args) == 0 || args[0] != CompleteWord {
		return Request{}, malformed
	}
	r := Request{}
	line, hasLine, raw, hasRaw := "", false, "", false
	args = args[1:]
	for len(args) > 0 && args[0] != "--" {
		name := args[0]
		args = args[1:]
		switch name {
		case "--redirect":
			r.redirect = true
			continue
		case "--null":
			r.null = true
			continue
		}
		if len(args) == 0 {
			return Request{}, malformed
		}
		value := args[0]
		args = args[1:]
		switch name {
		case "--shell":
			r.shell = value
		case "--line":
			line, hasLine = value, true
		case "--word":
			r.text = value
		case "--typed":
			raw, hasRaw = value, true
		case "--type":
			r.list = value == "33" || value == "63" || value == "64" // !, ? and @
		case "--columns":
			r.columns, _ = strconv.Atoi(value) // not known, then
		default:
			return Request{}, malformed
		}
	}
	if hasLine {
		l := splitLine(line, r.shell)
		r.Words = append(l.words[min(1, len(l.words)):], l.current.text) // without the program's name
		r.redirect, r.opaque, r.typed = l.redirect, l.current.evaluated, &l.current
		return r, nil
	}
	if len(args) < 2 {
		return Request{}, malformed
	}
	r.Words = slices.Clone(args[1:])
	if hasRaw {
		current := splitLine(raw, r.shell).current
		if current.raw != raw { // an operator or a comment, and to this shell a part of the word
			current = quoted{raw: raw, text: r.Word(), evaluated: current.evaluated}
		}
		r.typed, r.opaque = &current, current.evaluated
	}
	return r, nil
}

// Word is the word that is being completed, as far as it is typed.
func (r Request) Word() string { return r.Words[len(r.Words)-1] }

// inReadline reports whether bash is to be answered, in its own quotes.
func (r Request) inReadline() bool { return r.shell == "bash" && r.typed != nil }

// inZshQuote reports whether a quote is open that begins within the word. zsh
// forgets such a one when it inserts a value, so that it is given the word as it
// is to stand in the line.
func (r Request) inZshQuote() bool {
	if r.shell != "zsh" || r.typed == nil || r.typed.open == 0 || r.typed.text != r.Word() {
		return false
	}
	raw := r.typed.raw
	return !strings.HasPrefix(raw, `"`) && !strings.HasPrefix(raw, "'") && !strings.HasPrefix(raw, "$'")
}

// Behind is the same question to the program that the first n words name. n is
// less than the number of words.
func (r Request) Behind(n int) Request {
	r.Words = r.Words[n:]
	return r
}

// With is the same question with the words before the last replaced, as an alias
// does.
func (r Request) With(before ...string) Request {
	r.Words = append(slices.Clone(before), r.Word())
	return r
}

// Args are the arguments that put the question to another program.
func (r Request) Args() []string {
	args := []string{CompleteWord}
	if r.shell != "" {
		args = append(args, "--shell", r.shell)
	}
	if r.typed != nil {
		args = append(args, "--typed", r.typed.raw)
	}
	if r.null {
		args = append(args, "--null")
	}
	if r.inReadline() {
		args = append(args, "--word", r.text)
		if r.list {
			args = append(args, "--type", "63")
		}
		if r.columns > 0 {
			args = append(args, "--columns", strconv.Itoa(r.columns))
		}
	}
	if r.redirect {
		args = append(args, "--redirect")
	}
	return append(append(args, "--"), r.Words...)
}

// Plain is the same question, to be answered in the form that ReadReply reads.
func (r Request) Plain() Request {
	r.shell, r.typed, r.text, r.list, r.null = "", nil, "", false, false
	return r
}

// Reply is an answer.
type Reply struct {
	Candidates []Candidate
	NoSpace    bool
	Files      bool
	Patterns   []string // of Files
	Dirs       bool
}

// ReadReply reads the answer to a plain question. What is malformed is left out.
func ReadReply(from io.Reader) (Reply, error) {
	var reply Reply
	last := ""
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 4096), 1<<20)
	first := true
	for lines.Scan() {
		if !first {
			value, description, _ := strings.Cut(last, "\t")
			reply.Candidates = append(reply.Candidates, Candidate{value, description})
		}
		last, first = lines.Text(), false
	}
	directive, ok := strings.CutPrefix(last, ":")
	if !ok {
		return Reply{}, errors.Join(errors.New("the answer has no last line"), lines.Err())
	}
	for i, word := range strings.Fields(directive) {
		switch {
		case word == "nospace":
			reply.NoSpace = true
		case word == "dirs":
			reply.Dirs = true
		case word == "files":
			reply.Files, reply.Patterns = true, strings.Fields(directive)[i+1:]
			return reply, lines.Err()
		}
	}
	return reply, lines.Err()
}

// Write answers the question: what begins with the word, in the form that the
// shell of the question takes.
func (r Request) Write(w io.Writer, reply Reply) error {
	var b strings.Builder
	var found []Candidate
	if !r.opaque {
		found = r.matching(reply.Candidates, false)
	}
	switch {
	case !reply.Files && !reply.Dirs:
	case r.inReadline() && reply.Files && len(found) > 0:
		// Beside other values bash offers no files by itself.
		found = append(found, r.matching(filesFor(r.Word(), reply.Patterns...), false)...)
		reply.NoSpace = reply.NoSpace || len(found) == 1 && strings.HasSuffix(found[0].Value, "/")
	case !r.shellListsFiles():
		found = append(found, r.matching(r.files(reply), r.null)...)
		reply.NoSpace = reply.NoSpace || len(found) == 1 && strings.HasSuffix(found[0].Value, "/")
		reply.Files, reply.Dirs, reply.Patterns = false, false, nil
	}
	if reply.NoSpace && r.addsSpace(found) {
		found = append(found, Candidate{Value: found[0].Value + "."})
	}
	end := byte('\n')
	if r.null {
		end = 0
	}
	quotes := r.inZshQuote()
	if quotes {
		found = r.typed.inLine(found, !reply.NoSpace)
	}
	if r.inReadline() {
		for _, line := range r.insertions(found) {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	} else {
		for _, c := range found {
			b.WriteString(c.Value)
			b.WriteByte('\t')
			b.WriteString(c.Description)
			b.WriteByte(end)
		}
	}
	b.WriteString(reply.directive(quotes))
	b.WriteByte(end)
	_, err := io.WriteString(w, b.String())
	return err
}

// addsSpace reports whether the shell puts something behind the only candidate
// whatever it is told: fish a space, unless there is one of a few characters at
// the end, and bash the quote that is open. Of two candidates both insert what
// they have in common, and go no further.
func (r Request) addsSpace(found []Candidate) bool {
	switch {
	case len(found) != 1:
		return false
	case r.shell == "fish":
		value := found[0].Value
		return !strings.ContainsAny(value[len(value)-1:], "/=@:.,")
	}
	return r.inReadline() && r.typed.open != 0 && !r.list
}

// directive is the last line of an answer. With quoted, the values are words as
// they are to stand in the line.
func (r Reply) directive(quoted bool) string {
	var words []string
	if quoted {
		words = append(words, "quoted")
	}
	if r.NoSpace {
		words = append(words, "nospace")
	}
	switch {
	case r.Files:
		words = append(words, "files")
		for _, p := range r.Patterns {
			if p != "" && !strings.ContainsAny(p, " \t\r\n") {
				words = append(words, p)
			}
		}
	case r.Dirs:
		words = append(words, "dirs")
	}
	if len(words) == 0 {
		return ":none"
	}
	return ":" + strings.Join(words, " ")
}

// longestDescription bounds a description, in characters.
const longestDescription = 100

// matching leaves out what does not begin with the word, what is there twice,
// and what no line could hold. Capitals make a difference only where something
// is left. A newline is taken for what no line could hold unless lines says that
// one may be in a value.
func (r Request) matching(all []Candidate, lines bool) []Candidate {
	for _, begins := range []func(string, string) bool{strings.HasPrefix, hasPrefixFold} {
		var found []Candidate
		seen := map[string]bool{}
		for _, c := range all {
			if c.Value == "" || seen[c.Value] || !insertable(c.Value, lines) || !begins(c.Value, r.Word()) {
				continue
			}
			seen[c.Value] = true
			c.Description = describe(c.Description)
			found = append(found, c)
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func insertable(value string, lines bool) bool {
	if lines {
		value = strings.ReplaceAll(value, "\n", "")
	}
	return utf8.ValidString(value) && strings.IndexFunc(value, iostreams.IsUnsafe) < 0
}

// describe makes a description one short line without control characters.
func describe(text string) string {
	text = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || iostreams.IsUnsafe(c) {
			return ' '
		}
		return c
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if letters := []rune(text); len(letters) > longestDescription {
		text = string(letters[:longestDescription-1]) + "…"
	}
	return text
}
