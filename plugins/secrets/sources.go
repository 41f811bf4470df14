package secrets

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/secrets/dotenv"
)

// A secret is one that is to be set. No error says anything of its value but
// how it can not be set.
type secret struct {
	name, value string
	from        source
	file        string // of fromFile and fromEnvFile; "-" is standard input
	line        int    // of fromEnvFile
	differs     bool   // see dotenv.Assignment
}

// source is where a value comes from. No mistake in a word of the line shows
// that word: it may be a value in a wrong place.
type source int

const (
	fromLine    source = iota // NAME=VALUE
	fromUser                  // NAME: asked for, or standard input
	fromFile                  // --from-file
	fromEnvFile               // --from-env-file
	fromVar                   // --from-var
)

// gather finds all that is to be set, source by source, and all values but those
// of fromUser. It looks for mistakes on the line before it reads anything.
func (o *setOptions) gather(ctx context.Context, inv *cli.Invocation) ([]secret, error) {
	list, err := o.named()
	if err != nil {
		return nil, err
	}
	if len(list)+len(o.envFiles) == 0 {
		return nil, cli.Usagef("no secret is named").WithHint(inv.Typed() + " set NAME")
	}
	if err := distinct(list); err != nil {
		return nil, err
	}
	if err := o.oneReader(inv, list); err != nil {
		return nil, err
	}
	if list, err = o.withEnvFiles(ctx, inv, list); err != nil {
		return nil, err
	}
	for i := range list {
		sec := &list[i]
		switch sec.from {
		case fromUser:
			continue
		case fromFile:
			content, err := read(ctx, inv, sec.file, maxValue)
			if err != nil {
				return nil, unreadable(ctx, err, sec.file)
			}
			sec.value = string(content)
		case fromVar:
			sec.value = inv.Getenv(sec.name)
		}
		if err := sec.check(inv); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// named are the secrets of the arguments, --from-file and --from-var.
func (o *setOptions) named() ([]secret, error) {
	var list []secret
	for i, word := range o.words {
		name, value, given := strings.Cut(word, "=")
		if !validName(name) {
			// It may be a value that was meant for the name before it.
			return nil, cli.Usagef("argument %d is not the name of a secret", i+1).
				WithHint(nameRule, "NAME=VALUE gives a value, and NAME alone asks for it")
		}
		sec := secret{name: name, from: fromUser}
		if given {
			sec.from, sec.value = fromLine, value
		}
		list = append(list, sec)
	}
	for _, word := range o.files {
		name, path, ok := strings.Cut(word, "=")
		if !ok || path == "" || !validName(name) {
			return nil, cli.Usagef("--from-file takes NAME=PATH").WithHint(nameRule)
		}
		list = append(list, secret{name: name, from: fromFile, file: path})
	}
	for _, word := range o.variables {
		if name, _, given := strings.Cut(word, "="); given || !validName(name) {
			return nil, cli.Usagef("--from-var takes the name of a variable").WithHint(nameRule)
		}
		list = append(list, secret{name: word, from: fromVar})
	}
	return list, nil
}

const nameRule = "a name is a letter or underscore, then letters, digits and underscores"

// validName holds a name against what every shell takes as a variable's.
func validName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return name != ""
}

// completeVariables completes the name of a variable that has a value here, and
// shows no value.
func (d dependencies) completeVariables(context.Context, *cli.Completion) []cli.Candidate {
	var found []cli.Candidate
	for _, variable := range d.environ() {
		if name, value, _ := strings.Cut(variable, "="); validName(name) && value != "" && name != "_" {
			found = append(found, cli.Candidate{Value: name})
		}
	}
	slices.SortFunc(found, func(a, b cli.Candidate) int { return strings.Compare(a.Value, b.Value) })
	return found
}

// distinct makes sure that nothing is set twice.
func distinct(list []secret) error {
	seen := make(map[string]secret, len(list))
	for _, sec := range list {
		if before, ok := seen[sec.name]; ok {
			return cli.Usagef("%s is given twice: %s and %s", sec.name, before.where(), sec.where())
		}
		seen[sec.name] = sec
	}
	return nil
}

// where names the source of a value.
func (s secret) where() string {
	switch s.from {
	case fromFile:
		return "with --from-file"
	case fromEnvFile:
		return fmt.Sprintf("in line %d of %s", s.line, shown(s.file))
	case fromVar:
		return "with --from-var"
	}
	return "as an argument"
}

// oneReader makes sure that standard input is read once, and that what is typed
// at a terminal is not shown.
func (o *setOptions) oneReader(inv *cli.Invocation, list []secret) error {
	names, files := 0, 0
	for _, sec := range list {
		switch {
		case sec.from == fromUser:
			names++
		case sec.from == fromFile && sec.file == stdin:
			files++
		}
	}
	for _, path := range o.envFiles {
		if path == stdin {
			files++
		}
	}
	terminal := inv.IO.InTerminal()
	switch {
	case files > 0 && terminal:
		return cli.Usagef("standard input is a terminal, which would show what is typed").WithHint("NAME alone asks for its value")
	case terminal && names > 0 && !inv.IO.ErrTerminal():
		return cli.Usagef("there is no terminal to ask on: standard error is redirected")
	case !terminal && names+files > 1:
		return cli.Usagef("standard input can be read once, and here it would be read %d times", names+files).
			WithHint("NAME=VALUE gives a value, and NAME alone reads it", "--from-env-file - reads several secrets, each in a line NAME=VALUE")
	}
	return nil
}

// withEnvFiles adds what the .env files have.
func (o *setOptions) withEnvFiles(ctx context.Context, inv *cli.Invocation, list []secret) ([]secret, error) {
	for _, path := range o.envFiles {
		text, err := read(ctx, inv, path, maxEnvFile)
		if err != nil {
			return nil, unreadable(ctx, err, path)
		}
		assignments, err := dotenv.Parse(string(text))
		if err != nil {
			return nil, cli.Usagef("%s, %s", shown(path), err)
		}
		for _, a := range assignments {
			list = append(list, secret{name: a.Name, value: a.Value, from: fromEnvFile, file: path, line: a.Line, differs: a.Differs})
		}
		if len(assignments) == 0 {
			return nil, cli.Usagef("there are no secrets in %s", shown(path))
		}
	}
	return list, distinct(list)
}
