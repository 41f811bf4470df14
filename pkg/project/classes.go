package project

import (
	"bufio"
	"io"
	"regexp"
	"slices"
	"strings"
)

// longestScan is how much of a file is looked at for completion, in bytes.
const longestScan = 1 << 20

// Classes are the apps of a Python file, for completion: the classes that seem
// to be a fal.App and the functions below a @fal.function, in the file's order.
// Nothing is run, and what cannot be read has none.
func Classes(file string) []string {
	f, err := openRegular(file)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was only read
	return scanClasses(io.LimitReader(f, longestScan))
}

// identifier is a name of Python, in which any letter may stand.
const identifier = `[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*`

func scanClasses(r io.Reader) []string {
	var (
		class    = regexp.MustCompile(`^class\s+(` + identifier + `)\s*\(`)
		function = regexp.MustCompile(`^(?:async\s+)?def\s+(` + identifier + `)`)
		isolated = regexp.MustCompile(`^@(?:fal\.)?(?:function|isolated)\b`)
		imported = regexp.MustCompile(`^from\s+fal(?:\.app)?\s+import\s+.*\bApp\s+as\s+(` + identifier + `)`)
	)
	bases := []string{"App", "fal.App", "fal.app.App"}
	var found []string
	var header, quote string
	decorated := false
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestScan)
	for lines.Scan() {
		line := lines.Text()
		if quote != "" {
			if _, after, closed := strings.Cut(line, quote); closed {
				quote = openQuote(after)
			}
			continue
		}
		quote = openQuote(line)
		if header != "" {
			line = header + " " + strings.TrimSpace(line)
		}
		header = ""
		if m := imported.FindStringSubmatch(line); m != nil {
			bases = append(bases, m[1])
		}
		switch m := class.FindStringSubmatch(line); {
		case m != nil && !strings.Contains(line, ")") && len(line) < 1<<12:
			header = line
		case m != nil:
			decorated = false
			if derives(line, bases) {
				found = append(found, m[1])
				bases = append(bases, m[1])
			}
		case isolated.MatchString(line):
			decorated = true
		case function.MatchString(line):
			if decorated {
				found = append(found, function.FindStringSubmatch(line)[1])
			}
			decorated = false
		}
	}
	return found
}

// derives tells whether one of the arguments of a class is one of the bases.
func derives(header string, bases []string) bool {
	_, arguments, _ := strings.Cut(header, "(")
	arguments, _, _ = strings.Cut(arguments, ")")
	for argument := range strings.SplitSeq(arguments, ",") {
		if slices.Contains(bases, strings.TrimSpace(argument)) {
			return true
		}
	}
	return false
}

// openQuote is the long quote that a line leaves open; "" for none.
func openQuote(line string) string {
	for {
		double, single := strings.Index(line, `"""`), strings.Index(line, `'''`)
		at, quote := double, `"""`
		if double < 0 || single >= 0 && single < double {
			at, quote = single, `'''`
		}
		if at < 0 || strings.Contains(line[:at], "#") {
			return ""
		}
		_, after, closed := strings.Cut(line[at+len(quote):], quote)
		if !closed {
			return quote
		}
		line = after
	}
}
