// Package jq compiles the expression of --jq into an output.Filter. It is the
// only package that links gojq; a command that takes --jq hands Compile to the
// shell of the plugins.
//
//	filter, err := jq.Compile(`.runners[] | select(.state == $s).runner_id`, output.Variable{Name: "s", Value: "IDLE"})
//
// What it guarantees:
//   - Compile needs no input: a bad expression, an unknown function or variable
//     is known before any request, as an *ExprError (exit code 2) that shows the
//     place.
//   - What fails at run time is a *RunError (exit code 5), after the results
//     before it; halt and halt_error are an *output.HaltError with their code.
//   - Integers of any size and untouched numbers are exact.
//   - The end of the context ends a filter that does not end by itself.
//   - No value and no expression panics.
//
// The language is that of jq as gojq has it: env and $ENV read the environment,
// debug and stderr write to stderr, input fails and inputs is empty, since
// there is one input for a run, input_filename is null and input_line_number 0.
// There are no modules.
package jq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Variable is a value of --arg or --argjson.
type Variable = output.Variable

// Compile compiles an expression in which the variables are defined. Its error
// is an *ExprError.
func Compile(expr string, variables ...Variable) (output.Filter, error) {
	query, err := gojq.Parse(expr)
	if err != nil {
		return nil, parseError(expr, err)
	}
	p := &program{stderr: os.Stderr}
	names := make([]string, 0, len(variables))
	for _, v := range dedupe(variables) {
		names = append(names, "$"+v.Name)
		p.values = append(p.values, normalize(v.Value))
	}
	p.code, err = gojq.Compile(query,
		gojq.WithVariables(names),
		gojq.WithEnvironLoader(os.Environ),
		gojq.WithInputIter(gojq.NewIter[any]()),
		gojq.WithFunction("debug", 0, 0, p.debug),
		gojq.WithFunction("stderr", 0, 0, p.printStderr),
		gojq.WithFunction("input_filename", 0, 0, func(any, []any) any { return nil }),
		gojq.WithFunction("input_line_number", 0, 0, func(any, []any) any { return 0 }),
	)
	if err != nil {
		return nil, compileError(expr, err, names)
	}
	if err := formatError(expr); err != nil {
		return nil, err
	}
	return p, nil
}

// dedupe keeps the first of several variables of one name, as jq does.
func dedupe(variables []Variable) []Variable {
	seen := make(map[string]bool, len(variables))
	var kept []Variable
	for _, v := range variables {
		if !seen[v.Name] {
			seen[v.Name] = true
			kept = append(kept, v)
		}
	}
	return kept
}

// program is a compiled expression with the values of its variables.
type program struct {
	code   *gojq.Code
	values []any
	stderr io.Writer
}

// SetStderr says where debug and stderr write; without it to the stderr of the
// process. To be called before Run.
func (p *program) SetStderr(w io.Writer) { p.stderr = w }

// Run implements output.Filter.
func (p *program) Run(ctx context.Context, v any, emit func(any) error) error {
	iter := p.code.RunWithContext(ctx, normalize(v), p.values...)
	for {
		result, more, err := next(iter)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		if failure, failed := result.(error); failed {
			return runError(ctx, failure)
		}
		if err := emit(result); err != nil {
			return err
		}
	}
}

// next keeps a defect of the interpreter from ending the process.
func next(iter gojq.Iter) (result any, more bool, err error) {
	defer func() {
		if defect := recover(); defect != nil {
			err = &RunError{Message: fmt.Sprintf("the expression broke the interpreter: %v", defect)}
		}
	}()
	result, more = iter.Next()
	return result, more, nil
}

func runError(ctx context.Context, failure error) error {
	if ctx.Err() != nil && errors.Is(failure, ctx.Err()) {
		return context.Cause(ctx)
	}
	var halt *gojq.HaltError
	if errors.As(failure, &halt) {
		return haltError(halt)
	}
	message := strings.TrimPrefix(failure.Error(), "error: ")
	if failure.Error() == "break" {
		message = "input: there is one input only, and this is it"
	}
	return &RunError{Message: message}
}

// haltError prints as jq does: a string raw and without a line end, any other
// value as JSON with one, null not at all.
func haltError(halt *gojq.HaltError) error {
	h := &output.HaltError{Code: halt.ExitCode()}
	switch value := halt.Value().(type) {
	case nil:
	case string:
		h.Text = value
	default:
		text, err := output.AppendValue(nil, value)
		if err != nil {
			return &RunError{Message: err.Error()}
		}
		h.Text = string(text) + "\n"
	}
	return h
}

func (p *program) debug(v any, _ []any) any {
	text, err := output.AppendValue([]byte(`["DEBUG:",`), v)
	if err != nil {
		return err
	}
	if _, err := p.stderr.Write(append(text, ']', '\n')); err != nil {
		return err
	}
	return v
}

func (p *program) printStderr(v any, _ []any) any {
	text, isString := v.(string)
	if !isString {
		encoded, err := output.AppendValue(nil, v)
		if err != nil {
			return err
		}
		text = string(encoded)
	}
	if _, err := io.WriteString(p.stderr, text); err != nil {
		return err
	}
	return v
}

// normalize makes a value into what the interpreter takes. Values of a Printer
// are that already; all others go through JSON, and what has no JSON becomes
// null.
func normalize(v any) any {
	switch v := v.(type) {
	case nil, bool, int, float64, *big.Int, string, json.Number:
		return v
	case []any:
		for i, item := range v {
			if !isPlain(item) {
				v = append([]any(nil), v...)
				for ; i < len(v); i++ {
					v[i] = normalize(v[i])
				}
				return v
			}
		}
		return v
	case map[string]any:
		for _, item := range v {
			if !isPlain(item) {
				plain := make(map[string]any, len(v))
				for key, item := range v {
					plain[key] = normalize(item)
				}
				return plain
			}
		}
		return v
	}
	return throughJSON(v)
}

// isPlain reports whether normalize has nothing to do.
func isPlain(v any) bool {
	switch v := v.(type) {
	case nil, bool, int, float64, *big.Int, string, json.Number:
		return true
	case []any:
		for _, item := range v {
			if !isPlain(item) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, item := range v {
			if !isPlain(item) {
				return false
			}
		}
		return true
	}
	return false
}

func throughJSON(v any) any {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	variable, err := output.ArgJSON("value", string(encoded))
	if err != nil {
		return nil
	}
	return variable.Value
}
