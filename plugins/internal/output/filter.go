package output

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Filter is a compiled jq expression. Package output/jq has the one
// implementation, so that a program that takes no expression links none.
type Filter interface {
	// Run gives the results for v one by one to emit. v is made of nil, bool,
	// int, json.Number, string, []any and map[string]any only. It returns the
	// error of emit, the cause of the context's end, a *HaltError, or an error
	// of the expression, whose exit code is 5.
	Run(ctx context.Context, v any, emit func(any) error) error
}

// Compiler turns an expression into a Filter, as jq.Compile does. Its errors
// are usage errors.
type Compiler func(expr string, variables ...Variable) (Filter, error)

// Variable is a value of --arg or --argjson, $Name in the expression.
type Variable struct {
	Name  string // without the $
	Value any    // nil, bool, int, json.Number, string, []any or map[string]any
}

// Arg is the variable of --arg NAME VALUE: a string.
func Arg(name, value string) (Variable, error) {
	if err := checkVariableName("--arg", name); err != nil {
		return Variable{}, err
	}
	return Variable{Name: name, Value: value}, nil
}

// ArgJSON is the variable of --argjson NAME JSON: any JSON value, its numbers
// exact. What is no JSON is a usage error.
func ArgJSON(name, text string) (Variable, error) {
	if err := checkVariableName("--argjson", name); err != nil {
		return Variable{}, err
	}
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return Variable{}, &usageError{message: fmt.Sprintf("--argjson %s: the value is no JSON: %s", name, err)}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return Variable{}, &usageError{message: fmt.Sprintf("--argjson %s: the value is no JSON: %s", name, err)}
	}
	value, err := parsePlain(compact.String())
	if err != nil {
		return Variable{}, &usageError{message: fmt.Sprintf("--argjson %s: %s", name, err)}
	}
	return Variable{Name: name, Value: value}, nil
}

func checkVariableName(flag, name string) error {
	valid := name != ""
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		valid = valid && (letter || i > 0 && '0' <= c && c <= '9')
	}
	if valid {
		return nil
	}
	return &usageError{message: fmt.Sprintf("%s: %q is no name of a variable: use letters, digits and _", flag, name)}
}

// HaltError is how a Filter says that halt or halt_error ended it.
type HaltError struct {
	Code int    // exit code; 0 for halt
	Text string // for stderr as it is, with its newline if it has one
}

func (e *HaltError) Error() string { return fmt.Sprintf("halted with code %d", e.Code) }

// ExitCode is the code that the expression asked for.
func (e *HaltError) ExitCode() int { return e.Code }

// Exit ends the command with its code and nothing more to say: what there was
// to say has been printed. The code may be 0, where something that goes on (a
// Stream) is to end now.
type Exit struct{ Code int }

func (e *Exit) Error() string { return fmt.Sprintf("exit %d", e.Code) }

// ExitCode is the code to exit with.
func (e *Exit) ExitCode() int { return e.Code }

// Silent is true: the error is not to be printed.
func (e *Exit) Silent() bool { return true }

// valueError is a result of a filter that cannot be printed.
type valueError struct{ message string }

func (e *valueError) Error() string   { return "jq: " + e.message }
func (e *valueError) ExitCode() int   { return 5 }
func (e *valueError) Hints() []string { return nil }

// runFilter prints the results for one value. A halt becomes an *Exit once its
// text is printed, behind the results before it.
func (p *Printer) runFilter(ctx context.Context, v any) error {
	err := p.filter.Run(ctx, v, p.emit)
	var halt *HaltError
	if !errors.As(err, &halt) {
		return err
	}
	if flushErr := p.streams.Flush(); flushErr != nil {
		return flushErr
	}
	if _, err := io.WriteString(visible{p.streams}, halt.Text); err != nil {
		return err
	}
	return &Exit{Code: halt.Code}
}

// emit prints one result: strings raw, everything else as JSON.
func (p *Printer) emit(v any) error {
	p.buf = p.buf[:0]
	if s, ok := v.(string); ok {
		if p.layout.terminal {
			s = iostreams.Sanitize(s)
		}
		p.buf = append(p.buf, s...)
	} else {
		compact, err := AppendValue(p.scratch[:0], v)
		p.scratch = compact
		if err != nil {
			return &valueError{message: err.Error()}
		}
		p.buf = p.layout.append(p.buf, compact, 0)
	}
	p.buf = append(p.buf, '\n')
	return p.write(p.buf)
}
