package jq

// find is the offset of the first place in expr where name is used as a
// function or, with its $, as a variable, or -1. It passes over comments, the
// text of strings (but not what they interpolate), keys such as .name, and,
// when arguments are expected, over names that have none.
func find(expr, name string, arguments bool) int {
	s := scanner{src: expr}
	for {
		start, ok := s.word()
		if !ok {
			return -1
		}
		if expr[start:s.i] != name || start > 0 && expr[start-1] == '.' {
			continue
		}
		if arguments && !s.opensArguments() {
			continue
		}
		return start
	}
}

// scanner finds the words of an expression that are code.
type scanner struct {
	src string
	i   int
	// depths has, for each string that is being interpolated, the number of
	// parentheses open inside its current \( ).
	depths []int
}

// word moves behind the next name or variable and returns where it starts.
func (s *scanner) word() (start int, ok bool) {
	for s.i < len(s.src) {
		c := s.src[s.i]
		switch {
		case c == '#':
			for s.i < len(s.src) && s.src[s.i] != '\n' {
				s.i++
			}
		case c == '"':
			s.i++
			s.text()
		case c == '(':
			s.i++
			if n := len(s.depths); n > 0 {
				s.depths[n-1]++
			}
		case c == ')':
			s.i++
			if n := len(s.depths); n > 0 {
				if s.depths[n-1]--; s.depths[n-1] == 0 {
					s.depths = s.depths[:n-1]
					s.text()
				}
			}
		case c == '$' || c == '@' || isWord(c):
			start = s.i
			for s.i++; s.i < len(s.src) && isWord(s.src[s.i]); s.i++ {
			}
			return start, true
		default:
			s.i++
		}
	}
	return 0, false
}

// text passes over a string up to its end or its next interpolation.
func (s *scanner) text() {
	for ; s.i < len(s.src); s.i++ {
		switch s.src[s.i] {
		case '"':
			s.i++
			return
		case '\\':
			s.i++
			if s.i < len(s.src) && s.src[s.i] == '(' {
				s.i++
				s.depths = append(s.depths, 1)
				return
			}
		}
	}
}

func (s *scanner) opensArguments() bool {
	for i := s.i; i < len(s.src); i++ {
		switch s.src[i] {
		case ' ', '\t', '\r', '\n':
			continue
		case '(':
			return true
		}
		return false
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || c == ':' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
