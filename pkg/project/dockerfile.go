package project

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// copied is what a COPY or ADD takes from the context, and the line that says so.
type copied struct {
	path string
	line int
}

// readDockerfile returns what the COPY and ADD of a Dockerfile take from the
// context, in its order and as it is written there, but for the slashes that
// begin it and for variables, which are replaced by what ARG and ENV say before
// them. A stage begins with the variables of the stage that it is made from, as
// BuildKit has it; those of a base image are not known. arguments are given to
// the build, and come before an ARG's default. What is wrong is [Problems] with
// their lines, beside what is copied by the rest.
func readDockerfile(text string, arguments map[string]string) ([]copied, error) {
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, dockerfileProblem(err)
	}
	problems := dropMalformed(parsed.AST)
	stages, global, err := instructions.Parse(parsed.AST, nil)
	if err != nil && len(problems) == 0 {
		problems = dockerfileProblem(err) // else it may follow from what was left out
	}
	if err != nil {
		return nil, problems
	}
	lex := shell.NewLex(parsed.EscapeToken)
	before := predefined()
	for _, arg := range global {
		if err := before.declare(lex, arg.Args, arguments, nil); err != nil {
			problems = append(problems, dockerfileProblem(parser.WithLocation(err, arg.Location()))...)
		}
	}
	var sources []copied
	atEnd := map[string]variables{} // of each stage, by its name in lower case
	for _, stage := range stages {
		base, err := before.expand(lex, stage.BaseName)
		if err != nil {
			problems = append(problems, dockerfileProblem(parser.WithLocation(err, stage.Location))...)
		}
		known := variables{}
		maps.Copy(known, atEnd[strings.ToLower(base)])
		for _, command := range stage.Commands {
			found, err := known.follow(lex, command, arguments, before)
			if err != nil {
				problems = append(problems, dockerfileProblem(parser.WithLocation(err, command.Location()))...)
			}
			for _, path := range found {
				source := copied{path: path}
				if at := command.Location(); len(at) > 0 {
					source.line = at[0].Start.Line
				}
				sources = append(sources, source)
			}
		}
		if stage.Name != "" {
			atEnd[strings.ToLower(stage.Name)] = known
		}
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
		return sources, problems
	}
	return sources, nil
}

// dropMalformed leaves the instructions out that are none, and says why.
func dropMalformed(file *parser.Node) (problems Problems) {
	file.Children = slices.DeleteFunc(file.Children, func(node *parser.Node) bool {
		_, err := instructions.ParseInstruction(node)
		if err != nil {
			problems = append(problems, dockerfileProblem(parser.WithLocation(err, node.Location()))...)
		}
		return err != nil
	})
	return problems
}

// predefined are the arguments that every build has, which a stage knows once
// it declares them: images are built on and for 64-bit Linux.
func predefined() variables {
	known := variables{"TARGETSTAGE": "default"}
	for _, of := range []string{"BUILD", "TARGET"} {
		known[of+"PLATFORM"], known[of+"OS"], known[of+"ARCH"] = "linux/amd64", "linux", "amd64"
		known[of+"OSVERSION"], known[of+"VARIANT"] = "", ""
	}
	return known
}

// dockerfileProblem is a problem at the line that the parser names.
func dockerfileProblem(err error) Problems {
	p := Problem{Message: err.Error()}
	var place *parser.LocationError
	if errors.As(err, &place) && len(place.Locations) > 0 && len(place.Locations[0]) > 0 {
		p.Line = place.Locations[0][0].Start.Line
	}
	var empty emptySource
	if errors.As(err, &empty) {
		p.Hint = "set its variables with ENV, ARG or build_args: those of the base image are not known here"
	}
	var unknown *instructions.UnknownInstructionError
	if errors.As(err, &unknown) {
		var known []string
		for _, name := range slices.Sorted(maps.Keys(command.Commands)) {
			known = append(known, strings.ToUpper(name))
		}
		p.Message = "there is no instruction " + unknown.Instruction + meant(strings.ToUpper(unknown.Instruction), known)
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
		if source == "" {
			return nil, emptySource(path)
		}
		if source = strings.TrimLeft(source, "/"); source == "" {
			source = "."
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// emptySource is a source whose variables leave nothing of it. The whole context
// is hardly meant, and would be what is taken.
type emptySource string

func (e emptySource) Error() string {
	return fmt.Sprintf("%q names no file: there is no value for it", string(e))
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
