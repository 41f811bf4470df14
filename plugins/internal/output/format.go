package output

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// Format is the value of --output.
type Format string

const (
	// Pretty is a table or text for people, as wide as the terminal allows.
	Pretty Format = "pretty"
	// Wide is Pretty with every column, whatever the width.
	Wide Format = "wide"
	// JSON is one document: on one line in a pipe, indented on a terminal.
	JSON Format = "json"
	// JSONL is one record a line.
	JSONL Format = "jsonl"
	// YAML is the JSON document as YAML 1.2, with its key order and numbers.
	YAML Format = "yaml"
	// TSV is a header line and one line a record, all columns, fields separated
	// by tabs; tab, newline, carriage return and backslash inside a field are
	// written \t, \n, \r and \\.
	TSV Format = "tsv"
	// CSV is TSV's content as RFC 4180 quotes it, lines ending in a newline.
	CSV Format = "csv"
	// Name is what other commands take as argument, one a line, without header.
	Name Format = "name"
)

// Formats are all formats in the order in which help lists them.
func Formats() []Format {
	return []Format{Pretty, Wide, JSON, JSONL, YAML, TSV, CSV, Name}
}

// ParseFormat reads a value of --output or FAL_OUTPUT in any case. Its error
// is a usage error that lists the values and hints at the nearest one.
func ParseFormat(s string) (Format, error) {
	format := Format(strings.ToLower(s))
	if slices.Contains(Formats(), format) {
		return format, nil
	}
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	err := &usageError{message: fmt.Sprintf("unknown output format %q: use %s", s, strings.Join(names, ", "))}
	if near := suggest.Nearest(string(format), names); near != "" {
		err.hints = []string{"did you mean " + near + "?"}
	}
	return "", err
}

// IsJSON reports whether the format is JSON or JSONL: what a filter works on,
// and what makes errors JSON as well.
func (f Format) IsJSON() bool { return f == JSON || f == JSONL }

// CheckFilter refuses a filter together with an explicitly chosen format that
// it cannot work on, as a usage error. To be called before any request.
func CheckFilter(format Format, explicit bool) error {
	if !explicit || format.IsJSON() {
		return nil
	}
	return &usageError{
		message: fmt.Sprintf("--jq works on JSON and cannot be combined with the output format %s", format),
		hints:   []string{"leave --output out, or use --output jsonl to filter record by record"},
	}
}

// CheckObject refuses the formats that a single record without columns cannot
// be printed in, as a usage error. To be called before any request.
func CheckObject(format Format) error {
	if format != Name {
		return nil
	}
	return &usageError{message: "this command has no names to print: the output format name is for lists"}
}

// usageError is a mistake in what was typed: exit code 2.
type usageError struct {
	message string
	hints   []string
}

func (e *usageError) Error() string   { return e.message }
func (e *usageError) ExitCode() int   { return 2 }
func (e *usageError) Hints() []string { return e.hints }
