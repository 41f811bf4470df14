package dispatch

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// completionPrefix begins the names of programs that complete the words of a
// plugin, as those of kubectl do: fal_complete-x for fal-x.
const completionPrefix = "fal_complete-"

// completeMain answers `fal __complete …`, whose exit code is always 0: what
// goes wrong has no place in a line that is being typed.
func completeMain(d *Dispatcher, args []string) int {
	request, err := cli.ReadRequest(args)
	if err != nil {
		return cli.ExitOK
	}
	ctx, cancel := context.WithTimeout(context.Background(), cli.CompletionBound)
	defer cancel()
	answer := d.Complete(ctx, request)
	if answer.Program.Path != "" {
		if code, err := answer.Program.Exec(); err == nil {
			return code
		}
	}
	_ = request.Write(os.Stdout, answer.Reply) // nobody is there to hear of an error
	return cli.ExitOK
}

// Answer is how a line of fal may go on: a program of this project that is to
// be become, and which says it, or else what was found.
type Answer struct {
	Program Program
	Reply   cli.Reply
}

// Complete finds out how a line may go on. Where the first word is typed these
// are the commands of fal, the user's aliases, the plugins and, if it is
// installed, what the official client has. Behind a command it is the
// command's program that answers: that of this project itself, others when
// they announce it or have a program fal_complete-NAME, and then within half a
// second.
func (d *Dispatcher) Complete(ctx context.Context, r cli.Request) Answer {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	return d.complete(ctx, r, nil)
}

func (d *Dispatcher) complete(ctx context.Context, r cli.Request, aliases []string) Answer {
	before := r.Words[:len(r.Words)-1]
	line, err := Split(before)
	switch {
	case err != nil:
		return d.completeGlobal(ctx, r)
	case line.Own:
		return Answer{}
	case len(line.Words) == 0 && len(line.Rest) == 0:
		if strings.HasPrefix(r.Word(), "-") {
			return d.completeGlobal(ctx, r)
		}
		return Answer{Reply: cli.Reply{Candidates: d.first(ctx)}}
	case d.finder.IsBuiltin(line.Words[0]):
		return d.completeBuiltin(ctx, r, line, aliases)
	}
	if match, err := d.Lookup(line.Words); err == nil {
		return d.completePlugin(ctx, r.With(line.arguments(match)...), match)
	}
	if _, known := installed.FindNoun(line.Words[0]); known {
		return Answer{Reply: cli.Reply{Files: true}}
	}
	if expanded, is, err := d.expand(line, aliases); err == nil && is {
		return d.complete(ctx, r.With(expanded...), append(aliases, line.Words[0]))
	}
	return Answer{Reply: cli.Reply{Candidates: d.nextWords(ctx, line.Words)}}
}

// first are the values of the first word.
func (d *Dispatcher) first(ctx context.Context) []cli.Candidate {
	var found []cli.Candidate
	for _, c := range ownCommands(d) {
		found = append(found, cli.Candidate{Value: c[0], Description: c[1]})
	}
	found = append(found, d.completeAliases(ctx, nil)...)
	client := d.client(nil)
	for _, noun := range installed.Nouns() {
		if _, err := d.Lookup([]string{noun.Name}); err == nil || noun.Official && client.found() {
			found = append(found, cli.Candidate{Value: noun.Name, Description: noun.Description})
		}
	}
	for _, other := range d.others(ctx) {
		found = append(found, cli.Candidate{Value: other.Name, Description: other.Summary})
	}
	return found
}

// completeFirst is first for an argument that is the name of a command.
func (d *Dispatcher) completeFirst(ctx context.Context, _ *cli.Completion) []cli.Candidate {
	return d.first(ctx)
}

// ownCommands are the names and summaries of the dispatcher's commands.
func ownCommands(d *Dispatcher) [][2]string {
	commands := [][2]string{{"version", "Show the version of this program"}}
	for _, c := range app(d).Commands {
		commands = append(commands, [2]string{c.Name, c.Summary})
	}
	slices.SortFunc(commands, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return commands
}

// nextWords are the words that lead on to a plugin whose name has several.
func (d *Dispatcher) nextWords(ctx context.Context, words []string) []cli.Candidate {
	var found []cli.Candidate
	typed := strings.Join(words, "-") + "-"
	for _, other := range d.others(ctx) {
		if rest, leads := strings.CutPrefix(other.Name, typed); leads {
			found = append(found, cli.Candidate{Value: rest, Description: other.Summary})
		}
	}
	return found
}

// completeGlobal completes a flag before the name of a command, or its value.
// Any program that works on an account knows the values of the account's flags.
func (d *Dispatcher) completeGlobal(ctx context.Context, r cli.Request) Answer {
	flag := valuedFlag(r.Words)
	nouns := []string{"runners", "apps", "keys", "secrets", "environments"}
	switch flag {
	case "--profile", "--team":
	case "--env":
		nouns = []string{"apps", "secrets"} // whose lists are of an environment
	default:
		return Answer{Reply: cli.Complete(ctx, sharedFlags(), d.getenv, r)}
	}
	for _, noun := range nouns {
		match, err := d.Lookup([]string{noun})
		if err == nil && d.announcement(match.Path).Own {
			before := slices.Concat([]string{"list"}, r.Words[:len(r.Words)-1])
			return Answer{Program: d.Plugin(match, r.With(before...).Args())}
		}
	}
	return Answer{}
}

// valuedFlag is the flag that the last word may be a value of: the one before it,
// or the one in it.
func valuedFlag(words []string) string {
	flag, _, attached := strings.Cut(words[len(words)-1], "=")
	switch {
	case attached:
		return flag
	case len(words) > 1:
		return words[len(words)-2]
	}
	return ""
}

// sharedFlags is an app with the flags that commands of all programs have, and
// no others.
func sharedFlags() *cli.App {
	return &cli.App{
		Name: programName, Account: true,
		CompileJQ: func(string, ...output.Variable) (output.Filter, error) { return nil, nil },
		Commands:  []*cli.Command{{Name: "any", Default: true, Output: cli.Records, Environment: true}},
	}
}

// completeBuiltin completes the words of fal's own commands. Those of `help`
// and `alias set` are commands themselves.
func (d *Dispatcher) completeBuiltin(ctx context.Context, r cli.Request, line Line, aliases []string) Answer {
	words := slices.Concat(line.Words, line.Rest)
	if words[0] == "help" {
		answer := d.complete(ctx, r.With(words[1:]...), aliases)
		if len(words) == 1 {
			for _, topic := range cli.TopicNames() {
				answer.Reply.Candidates = append(answer.Reply.Candidates, cli.Candidate{Value: topic, Description: "what all commands have in common"})
			}
		}
		return answer
	}
	if command, is := aliasCommand(words); is {
		return d.complete(ctx, r.With(command...), aliases)
	}
	return Answer{Reply: cli.Complete(ctx, app(d), d.getenv, r.With(slices.Concat(line.Globals, words)...))}
}

// aliasCommand is the command in `alias set NAME [--] COMMAND…`.
func aliasCommand(words []string) ([]string, bool) {
	if len(words) < 3 || words[0] != "alias" && words[0] != "aliases" || words[1] != "set" || strings.HasPrefix(words[2], "-") {
		return nil, false
	}
	command := words[3:]
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	return command, true
}

// completePlugin hands a question on to a plugin. What says nothing of itself
// gets names of files, as in a shell without completion for it.
func (d *Dispatcher) completePlugin(ctx context.Context, r cli.Request, match Match) Answer {
	announced := d.announcement(match.Path)
	if announced.Own {
		return Answer{Program: d.Plugin(match, r.Args())}
	}
	path, args := match.Path, r.Plain().Args()
	if !announced.Complete {
		helper, found := d.finder.Path.Find(completionPrefix + strings.TrimPrefix(match.Name, installed.Prefix))
		if !found {
			return Answer{Reply: cli.Reply{Files: true}}
		}
		path, args = helper.Path, r.Words
	}
	answer, err := d.ask(ctx, path, args, d.Plugin(match, nil).Env)
	if err != nil {
		return Answer{}
	}
	return Answer{Reply: readAnswer(answer)}
}

// Bits of the last line of cobra's answers, as far as they have a meaning here.
const (
	cobraError       = 1
	cobraNoSpace     = 2
	cobraNoFiles     = 4
	cobraExtensions  = 8
	cobraDirectories = 16
)

// readAnswer reads what a program of others prints: lines of a value, a tab
// and a description, and a last line that begins with a colon, which may be
// missing. Behind it stands what this project's programs write, or the number
// that those made with cobra do.
func readAnswer(text string) cli.Reply {
	text = strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n")
	if text == "" {
		return cli.Reply{}
	}
	at := strings.LastIndexByte(text, '\n') + 1
	directive, is := strings.CutPrefix(text[at:], ":")
	if !is {
		text, directive = text+"\n:none", "none"
	}
	bits, err := strconv.ParseUint(directive, 10, 16)
	if err != nil {
		reply, err := cli.ReadReply(strings.NewReader(text))
		if err != nil {
			return cli.Reply{}
		}
		return reply
	}
	if bits&cobraError != 0 {
		return cli.Reply{}
	}
	reply := cli.Reply{NoSpace: bits&cobraNoSpace != 0}
	for value := range strings.SplitSeq(strings.TrimSuffix(text[:at], "\n"), "\n") {
		value, description, _ := strings.Cut(value, "\t")
		switch {
		case value == "":
		case bits&cobraExtensions != 0:
			reply.Patterns = append(reply.Patterns, "*."+value)
		case !strings.HasPrefix(value, "_activeHelp_"):
			reply.Candidates = append(reply.Candidates, cli.Candidate{Value: value, Description: description})
		}
	}
	switch {
	case bits&cobraDirectories != 0:
		reply.Dirs = true
	case bits&cobraExtensions != 0, bits&cobraNoFiles == 0:
		reply.Files = true
	}
	return reply
}
