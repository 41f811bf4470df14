package project

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// readDockerfile returns what the COPY and ADD of a Dockerfile take from the
// context, in its order and as it is written there, but for the slashes that
// begin it and for variables, which are replaced by what ARG and ENV say before
// them. arguments are given to the build, and come before an ARG's default.
// What does not parse is [Problems] with the line.
func readDockerfile(text string, arguments map[string]string) ([]string, error) {
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, dockerfileProblem(err)
	}
	stages, global, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, dockerfileProblem(err)
	}
	lex := shell.NewLex(parsed.EscapeToken)
	before := variables{}
	for _, arg := range global {
		if err := before.declare(lex, arg.Args, arguments, nil); err != nil {
			return nil, dockerfileProblem(parser.WithLocation(err, arg.Location()))
		}
	}
	var sources []string
	for _, stage := range stages {
		known := variables{}
		for _, command := range stage.Commands {
			found, err := known.follow(lex, command, arguments, before)
			if err != nil {
				return nil, dockerfileProblem(parser.WithLocation(err, command.Location()))
			}
			sources = append(sources, found...)
		}
	}
	return sources, nil
}

// dockerfileProblem is a problem at the line that the parser names.
func dockerfileProblem(err error) error {
	p := Problem{Message: err.Error()}
	var place *parser.LocationError
	if errors.As(err, &place) && len(place.Locations) > 0 && len(place.Locations[0]) > 0 {
		p.Line = place.Locations[0][0].Start.Line
	}
	var unknown *instructions.UnknownInstructionError
	if errors.As(err, &unknown) {
		p.Message = fmt.Sprintf("there is no instruction %s", unknown.Instruction)
	}
	return Problems{p}
}

// variables are those that a stage has at one of its commands.
type variables map[string]string

func (v variables) Get(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func (v variables) Keys() []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	return names
}

// declare takes an ARG in. One without a default has that of before.
func (v variables) declare(lex *shell.Lex, args []instructions.KeyValuePairOptional, given map[string]string, before variables) error {
	for _, arg := range args {
		if value, ok := given[arg.Key]; ok {
			v[arg.Key] = value
			continue
		}
		if arg.Value == nil {
			if value, ok := before[arg.Key]; ok {
				v[arg.Key] = value
			}
			continue
		}
		value, err := v.expand(lex, *arg.Value)
		if err != nil {
			return err
		}
		v[arg.Key] = value
	}
	return nil
}

func (v variables) expand(lex *shell.Lex, word string) (string, error) {
	text, _, err := lex.ProcessWord(word, v)
	return text, err
}

// follow carries a command out, and returns what it takes from the context.
func (v variables) follow(lex *shell.Lex, command instructions.Command, given map[string]string, before variables) ([]string, error) {
	switch c := command.(type) {
	case *instructions.ArgCommand:
		return nil, v.declare(lex, c.Args, given, before)
	case *instructions.EnvCommand:
		set := variables{}
		for _, pair := range c.Env {
			value, err := v.expand(lex, pair.Value)
			if err != nil {
				return nil, err
			}
			set[pair.Key] = value
		}
		for name, value := range set {
			v[name] = value
		}
		return nil, nil
	case *instructions.CopyCommand:
		if c.From != "" {
			return nil, nil
		}
		return v.sources(lex, c.SourcePaths, false)
	case *instructions.AddCommand:
		return v.sources(lex, c.SourcePaths, true)
	}
	return nil, nil
}

func (v variables) sources(lex *shell.Lex, paths []string, remote bool) ([]string, error) {
	var sources []string
	for _, path := range paths {
		source, err := v.expand(lex, path)
		if err != nil {
			return nil, err
		}
		if remote && isRemote(source) {
			continue
		}
		if source = strings.TrimLeft(source, "/"); source == "" {
			source = "."
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// isRemote tells what ADD fetches itself.
func isRemote(source string) bool {
	for _, scheme := range []string{"http://", "https://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(strings.ToLower(source), scheme) {
			return true
		}
	}
	return false
}
