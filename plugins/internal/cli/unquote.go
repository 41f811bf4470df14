package cli

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoted is a word as it was typed, so far.
type quoted struct {
	raw  string
	text string // without its quotes
	// open is the quote that has no end yet: ', " or $ for $'; else 0.
	open byte
	// evaluated: the shell will put something else in the place of a part of it.
	// What that is, and so what the word means, is not known.
	evaluated bool
	// variables are the parts of text that are $NAME, and nothing else is
	// evaluated when they are all.
	variables   []variable
	substitutes bool // there is more to evaluate than variables
	// tildes are the places in text of those that no quote protects.
	tildes []int
	// dangling: a backslash stands at the end, and quotes nothing yet.
	dangling bool
}

// variable is a $NAME in a text, from its dollar on.
type variable struct {
	at   int
	name string
}

// split is a command line, up to the cursor.
type split struct {
	words    []string // before the current one
	current  quoted
	redirect bool // the current word is a file to redirect to
}

// splitLine splits a line into words and takes their quotes off, as bash or fish
// would, without evaluating anything: $x, $(…), `…`, ~ and * are letters like
// others. Of several commands in the line it reads the last.
func splitLine(line, shell string) split {
	s := splitter{line: line, fish: shell == "fish"}
	s.run()
	return s.split
}

type splitter struct {
	line string
	fish bool
	i    int
	split

	start   int  // of the current word
	inWord  bool // it has begun, if only with a quote
	quotes  bool // it has had a quote or a backslash
	text    strings.Builder
	skipped bool // the current word is what a redirection names
}

func (s *splitter) run() {
	for s.i < len(s.line) {
		c := s.line[s.i]
		switch {
		case c == ' ' || c == '\t':
			s.endWord()
			s.i++
		case c == '\n' || c == ';' || c == '|' || c == '&' && !s.redirects():
			s.endCommand()
			s.i++
		case (c == '(' || c == ')') && !s.fish && !s.inWord:
			s.endCommand()
			s.i++
		case (c == '<' || c == '>' || c == '&') && (!s.fish || !s.inWord):
			s.redirection()
		case c == '#' && !s.inWord:
			s.comment()
		case c == '\\':
			s.backslash()
		case c == '\'' || c == '"':
			s.begin()
			s.quotes = true
			s.i++
			s.inQuotes(c)
		case c == '$' && !s.fish && strings.HasPrefix(s.line[s.i:], "$'"):
			s.begin()
			s.quotes = true
			s.i += 2
			s.inQuotes('$')
		case c == '$' || c == '`' && !s.fish || c == '(' && s.fish:
			s.begin()
			s.substitution()
		default:
			s.begin()
			if c == '~' {
				s.current.tildes = append(s.current.tildes, s.text.Len())
			}
			s.text.WriteByte(c)
			s.i++
		}
	}
	if !s.inWord {
		s.start = len(s.line)
	}
	s.current.raw, s.current.text = s.line[s.start:], s.text.String()
	s.redirect = s.skipped
}

func (s *splitter) begin() {
	if !s.inWord {
		s.inWord, s.start = true, s.i
	}
}

func (s *splitter) endWord() {
	if !s.inWord {
		return
	}
	if !s.skipped {
		s.words = append(s.words, s.text.String())
	}
	s.reset()
	s.skipped = false
}

func (s *splitter) reset() {
	s.inWord, s.quotes, s.current = false, false, quoted{}
	s.text.Reset()
}

func (s *splitter) endCommand() {
	s.reset()
	s.words, s.skipped = nil, false
}

// comment passes over a comment: its words are none of the command.
func (s *splitter) comment() {
	for s.i < len(s.line) && s.line[s.i] != '\n' {
		s.i++
	}
	if s.i == len(s.line) {
		s.words = nil
	}
}

// redirects reports whether an ampersand is the beginning of &> and not the end
// of a command.
func (s *splitter) redirects() bool { return strings.HasPrefix(s.line[s.i:], "&>") }

// redirection passes over an operator such as >, 2>>, &> or <&.
func (s *splitter) redirection() {
	if s.inWord && !s.quotes && strings.Trim(s.text.String(), "0123456789") == "" {
		s.reset() // the number of a descriptor
	}
	s.endWord()
	for s.i < len(s.line) && strings.IndexByte("<>&|", s.line[s.i]) >= 0 {
		s.i++
	}
	s.skipped = true
}

func (s *splitter) backslash() {
	s.i++
	if s.i == len(s.line) {
		if !s.inWord {
			s.inWord, s.start = true, s.i-1
		}
		s.current.dangling = true
		return
	}
	if s.line[s.i] == '\n' { // the line goes on
		s.i++
		return
	}
	if !s.inWord {
		s.inWord, s.start = true, s.i-1
	}
	s.quotes = true
	if s.fish {
		s.escape(false)
		return
	}
	s.letter()
}

// letter takes one character as it stands.
func (s *splitter) letter() {
	_, size := utf8.DecodeRuneInString(s.line[s.i:])
	s.text.WriteString(s.line[s.i : s.i+size])
	s.i += size
}

// inQuotes reads to the end of a quotation, or of the line.
func (s *splitter) inQuotes(quote byte) {
	end := quote
	if quote == '$' {
		end = '\''
	}
	for s.i < len(s.line) {
		c := s.line[s.i]
		switch {
		case c == end:
			s.i++
			return
		case c == '\\' && (quote != '\'' || s.fish):
			s.i++
			if s.i == len(s.line) {
				s.current.dangling = true
				break
			}
			s.quotedBackslash(quote)
		case quote == '"' && (c == '$' || c == '`' && !s.fish):
			s.substitution()
		default:
			s.text.WriteByte(c)
			s.i++
		}
	}
	s.current.open = quote
}

// substitution takes $NAME, $(…), `…`, in fish (…), or a lone $ as it stands.
func (s *splitter) substitution() {
	s.current.evaluated = true
	end := s.i + 1
	if n := nameLength(s.line[end:]); s.line[s.i] == '$' && n > 0 {
		s.current.variables = append(s.current.variables, variable{s.text.Len(), s.line[end : end+n]})
		s.text.WriteString(s.line[s.i : end+n])
		s.i = end + n
		return
	}
	s.current.substitutes = true
	switch rest := s.line[s.i:]; {
	case rest[0] == '`':
		if n := strings.IndexByte(rest[1:], '`'); n >= 0 {
			end += n + 1
		}
	case rest[0] == '(' || strings.HasPrefix(rest, "$("):
		if n := closing(rest); n > 0 {
			end = s.i + n
		}
	}
	s.text.WriteString(s.line[s.i:end])
	s.i = end
}

// nameLength is how long the name of a variable is that text begins with.
func nameLength(text string) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c != '_' && identifier(rune(c)) == '_' || i == 0 && c >= '0' && c <= '9' {
			return i
		}
	}
	return len(text)
}

// closing is the length of text up to the parenthesis that closes its first; 0
// when there is none.
func closing(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// quotedBackslash reads what follows a backslash inside quotes.
func (s *splitter) quotedBackslash(quote byte) {
	c := s.line[s.i]
	switch {
	case quote == '$':
		s.escape(true)
	case quote == '"' && c == '\n':
		s.i++
	case quote == '"' && (c == '"' || c == '\\' || c == '$' || c == '`' && !s.fish),
		quote == '\'' && (c == '\'' || c == '\\'):
		s.text.WriteByte(c)
		s.i++
	default:
		s.text.WriteByte('\\')
		s.letter()
	}
}

// escape reads what follows a backslash in $'…' of bash, or in a bare word of
// fish, where a letter that is no escape stands for itself.
func (s *splitter) escape(ansi bool) {
	const letters, meant = `abefnrtv`, "\a\b\x1b\f\n\r\t\v"
	c := s.line[s.i]
	if i := strings.IndexByte(letters, c); i >= 0 {
		s.text.WriteByte(meant[i])
		s.i++
		return
	}
	base, most, from := 16, 0, s.i+1
	switch {
	case c == 'x' || c == 'X' && s.fish:
		most = 2
	case c == 'u':
		most = 4
	case c == 'U':
		most = 8
	case c >= '0' && c <= '7':
		base, most, from = 8, 3, s.i
	}
	to := from
	for to < len(s.line) && to-from < most && isDigit(s.line[to], base) {
		to++
	}
	n, err := strconv.ParseUint(s.line[from:to], base, 32)
	switch {
	case err != nil: // no digits
		if ansi && strings.IndexByte(`'"\?`, c) < 0 {
			s.text.WriteByte('\\')
		}
		s.letter()
		return
	case c == 'u' || c == 'U':
		s.text.WriteString(string(rune(min(n, utf8.MaxRune+1)))) // out of range becomes U+FFFD
	default:
		s.text.WriteByte(byte(n))
	}
	s.i = to
}

func isDigit(c byte, base int) bool {
	_, err := strconv.ParseUint(string(c), base, 8)
	return err == nil && c < utf8.RuneSelf
}
