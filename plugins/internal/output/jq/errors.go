package jq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
	"github.com/mattn/go-runewidth"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// ExprError is a bad expression: a usage error.
type ExprError struct {
	Expr    string
	Message string // "unexpected token \"|\""
	// Line and Column of the place, from 1, the column in characters; 0 when
	// the place is not known.
	Line, Column int

	hints []string
}

// Error is the message and, below it, the line with a caret under the place.
func (e *ExprError) Error() string { return strings.Join(e.ErrorLines(), "\n") }

// ErrorLines are the lines of Error.
func (e *ExprError) ErrorLines() []string {
	message := "bad jq expression: " + iostreams.SanitizeLine(e.Message)
	if e.Line == 0 {
		return []string{message}
	}
	text, caret := e.excerpt()
	return []string{
		fmt.Sprintf("%s, at line %d, column %d", message, e.Line, e.Column),
		"    " + text,
		"    " + strings.Repeat(" ", caret) + "^",
	}
}

// ExitCode is that of a usage error.
func (e *ExprError) ExitCode() int { return 2 }

// Hints are what was probably meant.
func (e *ExprError) Hints() []string { return e.hints }

// excerptWidth is how much of a long line is shown, in characters; half of it
// on each side of the place.
const excerptWidth = 64

// excerpt is the part of the line around the place, and the terminal columns
// before it.
func (e *ExprError) excerpt() (text string, caret int) {
	line := []rune(strings.Split(e.Expr, "\n")[e.Line-1])
	at := min(e.Column-1, len(line))
	before, behind := line[:at], line[at:]
	if len(before) > excerptWidth/2 {
		before = append([]rune("…"), before[len(before)-excerptWidth/2:]...)
	}
	if len(behind) > excerptWidth/2 {
		behind = append(slices.Clone(behind[:excerptWidth/2]), '…')
	}
	left := visible(before)
	return left + visible(behind), runewidth.StringWidth(left)
}

func visible(text []rune) string {
	return iostreams.SanitizeLine(strings.ReplaceAll(string(text), "\t", " "))
}

func exprError(expr, message string, offset int, hints ...string) *ExprError {
	e := &ExprError{Expr: expr, Message: message, hints: hints}
	if offset >= 0 {
		before := expr[:min(offset, len(expr))]
		e.Line = strings.Count(before, "\n") + 1
		e.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	}
	return e
}

func parseError(expr string, err error) error {
	var parse *gojq.ParseError
	if !errors.As(err, &parse) {
		return exprError(expr, err.Error(), -1)
	}
	return exprError(expr, err.Error(), max(parse.Offset-len(parse.Token), 0))
}

const (
	unknownFunction = "function not defined: "
	unknownVariable = "variable not defined: "
)

// compileError finds the place, of which the compiler says nothing, by the
// name in its message.
func compileError(expr string, err error, variables []string) error {
	message := err.Error()
	if signature, ok := strings.CutPrefix(message, unknownFunction); ok {
		name, arity, _ := strings.Cut(signature, "/")
		offset := find(expr, name, arity != "0")
		return exprError(expr, message, offset, functionHints(name, arity)...)
	}
	if name, ok := strings.CutPrefix(message, unknownVariable); ok {
		return exprError(expr, message, find(expr, name, false), variableHints(name, variables)...)
	}
	if label, ok := strings.CutPrefix(message, "label not defined: "); ok {
		return exprError(expr, message, find(expr, label, false))
	}
	return exprError(expr, message, -1)
}

func functionHints(name, arity string) []string {
	var names []string
	for _, known := range append(builtins(), "input_filename/0", "input_line_number/0", "stderr/0") {
		knownName, _, _ := strings.Cut(known, "/")
		if knownName == name {
			return []string{fmt.Sprintf("there is %s: it takes another number of arguments", known)}
		}
		names = append(names, knownName)
	}
	if near := suggest.Nearest(name, names); near != "" {
		return []string{"did you mean " + near + "?"}
	}
	if arity == "0" {
		return []string{fmt.Sprintf("a string needs double quotes inside the expression: \"%s\"", name)}
	}
	return nil
}

func variableHints(name string, variables []string) []string {
	if near := suggest.Nearest(name, append(variables, "$ENV")); near != "" {
		return []string{"did you mean " + near + "?"}
	}
	return []string{fmt.Sprintf("define it with --arg %s VALUE or --argjson %[1]s JSON", strings.TrimPrefix(name, "$"))}
}

// formatError finds a format string such as @csv that does not exist, which the
// interpreter would only notice when it comes to it.
func formatError(expr string) error {
	s := scanner{src: expr}
	for {
		start, ok := s.word()
		if !ok {
			return nil
		}
		name := expr[start:s.i]
		if name[0] != '@' {
			continue
		}
		message := evaluate(name)
		if !strings.HasPrefix(message, "format not defined") {
			continue
		}
		return exprError(expr, message, start, formatHints(name)...)
	}
}

func formatHints(name string) []string {
	known := []string{
		"@text", "@json", "@html", "@uri", "@csv", "@tsv", "@sh", "@base64", "@base64d", "@base32", "@base32d",
	}
	if near := suggest.Nearest(name, known); near != "" {
		return []string{"did you mean " + near + "?"}
	}
	return []string{"there are " + strings.Join(known, ", ")}
}

// evaluate runs an expression on null and returns the message of its error.
func evaluate(expr string) string {
	query, err := gojq.Parse(expr)
	if err != nil {
		return err.Error()
	}
	v, _ := query.RunWithContext(context.Background(), nil).Next()
	if err, failed := v.(error); failed {
		return err.Error()
	}
	return ""
}

// builtins are the functions of the language as NAME/ARITY.
func builtins() []string {
	query, err := gojq.Parse("builtins[]")
	if err != nil {
		return nil
	}
	var names []string
	iter := query.RunWithContext(context.Background(), nil)
	for {
		v, more := iter.Next()
		name, ok := v.(string)
		if !more || !ok {
			slices.Sort(names)
			return names
		}
		names = append(names, name)
	}
}

// RunError is an expression that failed on a value.
type RunError struct{ Message string }

func (e *RunError) Error() string { return "jq: " + e.Message }

// ExitCode is 5, as that of jq.
func (e *RunError) ExitCode() int { return 5 }

// Hints is empty.
func (e *RunError) Hints() []string { return nil }
