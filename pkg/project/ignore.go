package project

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const dockerignoreName = ".dockerignore"

// defaultIgnore are the patterns of a folder that has no .dockerignore.
func defaultIgnore() []string {
	return []string{
		".git", ".gitignore", ".dockerignore", "Dockerfile", "Dockerfile.*", "*.md",
		"__pycache__", "*.pyc", ".DS_Store", ".venv", "venv", ".env", "node_modules",
	}
}

// ignorePatterns are those of the .dockerignore of dir, in the syntax of
// .gitignore, which is what the service takes them for.
func ignorePatterns(dir string) ([]string, error) {
	name := filepath.Join(dir, dockerignoreName)
	if !exists(name) {
		return defaultIgnore(), nil
	}
	text, err := readText(name, dockerignoreName)
	if err != nil {
		return nil, err
	}
	patterns := []string{}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := checkPattern(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", dockerignoreName, i+1, err)
		}
		patterns = append(patterns, line)
	}
	return patterns, nil
}

// pythonExpression is a pattern as the regular expression, in Python's dialect,
// that the wire has for it; "" for one that matches nothing. Like the official
// client it has no way to say that a pattern is negated.
func pythonExpression(pattern string) string {
	g, err := parseGlob(pattern)
	if err != nil {
		return ""
	}
	return g.expression(func(class string) string { return class })
}

// ignore decides what is kept out of the context, by paths with slashes that are
// relative to it.
type ignore struct {
	file func(path string) bool
	// folder says that everything in a folder is kept out, whatever it is. It is
	// not sure to know.
	folder func(path string) bool
	// pattern is the pattern that keeps a path out for which file or folder say
	// so; nil where there are no patterns.
	pattern func(path string) string
}

// ignoring keeps out what the patterns say, which must be valid: the last that
// matches counts, and a negated one lets the path in again. It goes by the
// expressions that the service is given, which say nothing of negation: there
// all that any pattern matches is kept out.
func ignoring(patterns []string) ignore {
	var rules []rule
	for _, pattern := range patterns {
		if g, err := parseGlob(pattern); err == nil && g.segments != nil {
			if expression, err := g.compile(); err == nil {
				rules = append(rules, rule{pattern, expression, g.negated})
			}
		}
	}
	slices.Reverse(rules)
	return ignore{
		file: func(path string) bool {
			for _, r := range rules {
				if r.expression.MatchString(path) {
					return !r.negated
				}
			}
			return false
		},
		folder: func(path string) bool {
			for _, r := range rules {
				if r.negated {
					return false // it may be for something in there
				}
				if r.covers(path) {
					return true
				}
			}
			return false
		},
		pattern: func(path string) string {
			for _, r := range rules {
				if r.covers(path) {
					return r.pattern
				}
			}
			return ""
		},
	}
}

type rule struct {
	pattern    string
	expression *regexp.Regexp
	negated    bool
}

// covers says whether the rule matches all that can be in a folder. A class may
// match a slash, so that one that matches the folder's own does not do.
func (r rule) covers(folder string) bool {
	return r.expression.MatchString(folder) ||
		r.expression.MatchString(folder+"/") && r.expression.MatchString(folder+"/\x00")
}

// matching keeps out the paths in which one of the expressions is found.
func matching(expressions []*regexp.Regexp) ignore {
	found := func(path string, expressions []*regexp.Regexp) bool {
		return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(path) })
	}
	// What is found in a path is found in all that begin with it, but for
	// expressions that look at what follows.
	var steady []*regexp.Regexp
	follows := regexp.MustCompile(`\$|\\[bBz]`)
	for _, e := range expressions {
		if !follows.MatchString(e.String()) {
			steady = append(steady, e)
		}
	}
	return ignore{
		file:   func(path string) bool { return found(path, expressions) },
		folder: func(path string) bool { return found(path+"/", steady) },
	}
}

func checkPattern(pattern string) error {
	g, err := parseGlob(pattern)
	if err == nil && g.segments != nil {
		_, err = g.compile()
	}
	if err != nil {
		return fmt.Errorf("the pattern %q is not valid", pattern)
	}
	return nil
}

// glob is a pattern of .gitignore, normalized: it is matched from the root, and
// "**" stands for any number of folders. No segments match nothing.
type glob struct {
	segments []string
	negated  bool
	dirOnly  bool
	// belowRoot is "**/", which matches all files but those of the root.
	belowRoot bool
}

const anyDirs = "**"

func parseGlob(pattern string) (glob, error) {
	if strings.HasSuffix(pattern, `\ `) {
		pattern = strings.TrimLeft(pattern, " \t\r\n\v\f")
	} else {
		pattern = strings.TrimSpace(pattern)
	}
	if pattern == "" || pattern == "/" || strings.HasPrefix(pattern, "#") {
		return glob{}, nil
	}
	var g glob
	pattern, g.negated = strings.CutPrefix(pattern, "!")
	all := strings.Split(pattern, "/")
	g.dirOnly = all[len(all)-1] == ""
	segments := all[:1]
	for _, segment := range all[1:] {
		if segment != anyDirs || segments[len(segments)-1] != anyDirs {
			segments = append(segments, segment)
		}
	}
	g.belowRoot = len(segments) == 2 && segments[0] == anyDirs && segments[1] == ""
	switch {
	case segments[0] == "":
		segments = segments[1:]
	case len(segments) == 1 || len(segments) == 2 && segments[1] == "":
		// A name alone is meant at any depth.
		if segments[0] != anyDirs {
			segments = append([]string{anyDirs}, segments...)
		}
	}
	if len(segments) == 0 {
		return glob{}, fmt.Errorf("there is no name in it")
	}
	if last := len(segments) - 1; last > 0 && segments[last] == "" {
		segments[last] = anyDirs
	}
	g.segments = segments
	for _, segment := range segments {
		if _, ok := segmentExpression(segment, func(class string) string { return class }); !ok {
			return glob{}, fmt.Errorf("a backslash ends it")
		}
	}
	return g, nil
}

// compile is the expression in the dialect of this language, which reads a
// bracket inside of brackets as the beginning of a named class.
func (g glob) compile() (*regexp.Regexp, error) {
	return regexp.Compile(g.expression(func(class string) string {
		return class[:1] + strings.ReplaceAll(class[1:], "[", `\[`)
	}))
}

// dirMark names the slash below a folder that matched, which tells those who
// want to know that it was the folder.
const dirMark = "(?P<ps_d>/)"

func (g glob) expression(class func(string) string) string {
	switch {
	case g.segments == nil:
		return ""
	case g.belowRoot:
		return "^.+" + dirMark + ".*$"
	}
	var b strings.Builder
	b.WriteByte('^')
	last, slash := len(g.segments)-1, false
	for i, segment := range g.segments {
		if segment == anyDirs {
			switch {
			case i == 0 && i == last:
				b.WriteString("[^/]+(?:/.*)?")
			case i == 0:
				b.WriteString("(?:.+/)?")
			case i == last && g.dirOnly:
				b.WriteString(dirMark + ".*")
			case i == last:
				b.WriteString("/.*")
			default:
				b.WriteString("(?:/.+)?")
				slash = true
			}
			continue
		}
		if slash {
			b.WriteByte('/')
		}
		if segment == "*" {
			b.WriteString("[^/]+")
		} else {
			text, _ := segmentExpression(segment, class)
			b.WriteString(text)
		}
		if i == last {
			b.WriteString("(?:" + dirMark + ".*)?")
		}
		slash = true
	}
	b.WriteByte('$')
	return b.String()
}

// segmentExpression is what stands between two slashes. It is not ok if a
// backslash has nothing to escape.
func segmentExpression(segment string, class func(string) string) (expression string, ok bool) {
	var b strings.Builder
	runes := []rune(segment)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case '\\':
			if i++; i == len(runes) {
				return "", false
			}
			b.WriteString(quoted(runes[i]))
		case '*':
			b.WriteString("[^/]*")
		case '?':
			b.WriteString("[^/]")
		case '[':
			end := classEnd(runes, i+1)
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			inside := string(runes[i+1 : end])
			negation := ""
			if strings.HasPrefix(inside, "!") || strings.HasPrefix(inside, "^") {
				negation, inside = "^", inside[1:]
			}
			b.WriteString(class("[" + negation + strings.ReplaceAll(inside, `\`, `\\`) + "]"))
			i = end
		default:
			b.WriteString(quoted(r))
		}
	}
	return b.String(), true
}

// classEnd finds the bracket that closes a class whose inside begins at i; -1
// if none does. Right at the beginning a closing bracket stands for itself.
func classEnd(runes []rune, i int) int {
	if i < len(runes) && (runes[i] == '!' || runes[i] == '^') {
		i++
	}
	if i < len(runes) && runes[i] == ']' {
		i++
	}
	for ; i < len(runes); i++ {
		if runes[i] == ']' {
			return i
		}
	}
	return -1
}

// quoted is a character as Python escapes it.
func quoted(r rune) string {
	if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
		return `\` + string(r)
	}
	return string(r)
}
