//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// seen is what the program under completion was asked, or run with.
type seen struct {
	Args  []string            `json:"args"`
	Flags map[string][]string `json:"flags"`
	Word  string              `json:"word"`
}

// completionCase is a line that is typed. It is either run and must arrive, or
// thrown away after Tab, and then the words must have arrived.
type completionCase struct {
	name  string
	keys  string // without the name of the program; \t is Tab
	args  []string
	flags map[string][]string
	// asked is set for a line that is thrown away: what a completer was told.
	asked *seen
	only  string // the shell, or one start of it, that it is about; empty for all
}

func arrives(name, keys string, args ...string) completionCase {
	return completionCase{name: name, keys: keys, args: args}
}

func takes(name, keys, flag string, values ...string) completionCase {
	return completionCase{name: name, keys: keys, flags: map[string][]string{flag: values}}
}

func asks(name, keys, word string, args ...string) completionCase {
	return completionCase{name: name, keys: keys, asked: &seen{Args: args, Word: word}}
}

func (c completionCase) in(shell string) completionCase {
	c.only, c.name = shell, c.name+" in "+shell
	return c
}

func completionCases() []completionCase {
	return []completionCase{
		arrives("command", "sh\tword", "word"),
		arrives("alias of a command", "disp\tword", "word"),
		takes("flag", "show --na\tx", "name", "x"),
		takes("closed set", "show --state run\t", "state", "running"),
		takes("closed set behind equals", "show --state=run\t", "state", "running"),
		takes("closed set goes on", "show --state idle ru\t", "state", "idle", "running"),
		takes("closed set with commas", "show --state idle,ru\t", "state", "idle", "running"),
		takes("colon in a flag's value", "show --one fi\t", "one", "first:1"),
		takes("colon typed in a flag's value", "show --one first:\t", "one", "first:1"),
		takes("equals in a flag's value", "show --one=sec\t", "one", "second=2"),
		takes("equals typed in a flag's value", "show --one=second=\t", "one", "second=2"),
		takes("name behind equals", "show --name=b\t", "name", "b$(touch evaluated)"),
		takes("name behind a short flag", "show -n ap\t", "name", "apple pie"),
		takes("file", "show --file fold\tsome\t", "file", "folder/some file.toml"),
		takes("file behind equals", "show --file=folder/som\t", "file", "folder/some file.toml"),
		takes("folder", "show --dir fol\t", "dir", "folder/").in("bash"),
		takes("folder", "show --dir fol\t", "dir", "folder").in("zsh"), // which takes the slash away again
		takes("folder", "show --dir fol\t", "dir", "folder/").in("fish"),
		takes("file behind a name", "show --assigned ke\tfod\t", "assigned", "key=fodder"),
		takes("file in a folder behind a name", "show --assigned key=fold\tsom\t", "assigned", "key=folder/some file.toml"),
		takes("file behind a name and equals", "show --assigned=key=folder/som\t", "assigned", "key=folder/some file.toml"),
		takes("file behind a name in an open quote", `show --assigned "key=folder/som`+"\t", "assigned", "key=folder/some file.toml"),
		takes("no space behind what goes on", "show --path .ro\t.leaf", "path", ".root[].leaf"),
		takes("no space behind what goes on in an open quote", "show --path '.ro\t | .leaf'", "path", ".root[] | .leaf"),

		takes("no space behind what goes on in an open quote behind equals", "show --path='.ro\t | .leaf'", "path", ".root[] | .leaf"),
		takes("no space behind what goes on in an open double quote behind equals", `show --path=".ro`+"\t"+` | .leaf"`, "path", ".root[] | .leaf"),
		takes("blank typed in an open quote behind equals", "show --path='.first | .ro\t | length'", "path", ".first | .root[] | length").in("zsh"),
		takes("blank typed in an open double quote behind equals", `show --path=".first | .ro`+"\t"+` | length"`, "path", ".first | .root[] | length").in("zsh"),
		takes("equals in an open quote behind equals", "show --one='second=\t", "one", "second=2").in("zsh"),
		takes("several that begin alike in an open quote behind equals", "show --name='y\tt\t", "name", "y:two"),
		takes("nothing to offer in an open quote behind equals", "show --name='none\t at all'", "name", "none at all"),
		takes("single quotes in an open quote behind equals", "show --name='e\t", "name", "e'single'"),
		takes("double quotes in an open double quote behind equals", `show --name="d`+"\t", "name", `d"double"`),
		takes("exclamation mark in an open double quote behind equals", `show --name="n`+"\t", "name", "n!bang"),
		takes("substitution in an open double quote behind equals", `show --name="b`+"\t", "name", "b$(touch evaluated)"),
		takes("open quote behind a short flag", "show -n'ap\t", "name", "apple pie"),
		takes("file in an open quote behind equals", `show --file="folder/som`+"\t", "file", "folder/some file.toml"),
		takes("folder in an open quote behind equals", `show --dir="fol`+"\t"+`"`, "dir", "folder/"),

		arrives("space", "show ap\t", "apple pie"),
		arrives("space typed", `show apple\ p`+"\t", "apple pie"),
		arrives("command substitution", "show b\t", "b$(touch evaluated)"),
		arrives("backticks", "show c\t", "c`touch evaluated`"),
		arrives("double quotes", "show d\t", `d"double"`),
		arrives("single quotes", "show e\t", "e'single'"),
		arrives("backslashes", "show f\t", `f\back\`),
		arrives("dollar", "show g\t", "g$HOME"),
		arrives("glob", "show h\t", "h*?[a]"),
		arrives("semicolon", "show i\t", "i;touch evaluated"),
		arrives("ampersand", "show j\t", "j&touch evaluated"),
		arrives("pipe", "show k\t", "k|touch evaluated"),
		arrives("colon", "show l\t", "l:colon:x"),
		arrives("colon typed", "show l:co\t", "l:colon:x"),
		arrives("equals", "show m\t", "m=equals=x"),
		arrives("equals typed", "show m=eq\t", "m=equals=x"),
		arrives("exclamation mark", "show n\t", "n!bang"),
		arrives("hash", "show o\t", "o#hash"),
		arrives("tilde", "show p\t", "p~tilde"),
		arrives("braces", "show r\t", "r{a,b}"),
		arrives("redirections", "show s\t", "s<in>evaluated"),
		arrives("parentheses", "show t\t", "t(paren)"),
		arrives("two spaces and one at the end", "show u\t", "u two  spaces "),
		arrives("at sign", "show v\t", "v@at"),
		arrives("percent and caret", "show w\t", "w%percent^caret"),
		arrives("letter beyond ASCII", "show é\t", "é accent"),
		arrives("behind two dashes", "show -- ap\t", "apple pie"),
		arrives("two of them", "show ap\tb\t", "apple pie", "b$(touch evaluated)"),
		arrives("given once is not offered again", "show z1 z\t", "z1", "z2 spaced"),
		arrives("several that begin alike", "show y\tt\t", "y:two"),

		arrives("open double quote", `show "ap`+"\t", "apple pie"),
		arrives("open single quote", "show 'ap\t", "apple pie"),
		arrives("substitution in open double quote", `show "b`+"\t", "b$(touch evaluated)"),
		arrives("substitution in open single quote", "show 'b\t", "b$(touch evaluated)"),
		arrives("backticks in open double quote", `show "c`+"\t", "c`touch evaluated`"),
		arrives("double quotes in open double quote", `show "d`+"\t", `d"double"`),
		arrives("single quotes in open double quote", `show "e`+"\t", "e'single'"),
		arrives("single quotes in open single quote", "show 'e\t", "e'single'"),
		arrives("backslashes in open double quote", `show "f`+"\t", `f\back\`),
		arrives("colon in open double quote", `show "l:co`+"\t", "l:colon:x"),
		arrives("dollar quote", "show $'ap\t", "apple pie").in("bash"),
		arrives("exclamation mark in open double quote", `show "n`+"\t", "n!bang").in("bash"),
		takes("open quote behind equals", `show --name="ap`+"\t", "name", "apple pie"),
		takes("closed quotes behind equals", `show --one='second=`+"\t", "one", "second=2").in("bash"),

		asks("substitution typed", "show $(touch evaluated) \t", "", "$(touch evaluated)").in("zsh"),
		asks("quoted substitution typed", `show "$(touch evaluated)" `+"\t", "", "$(touch evaluated)"),
		asks("backticks typed", "show '`touch evaluated`' \t", "", "`touch evaluated`"),
		asks("quoted backticks typed", "show \"`touch evaluated`\" \t", "", "`touch evaluated`").in("bash"),
		asks("escaped", `show a\ b\$c\;d `+"\t", "", "a b$c;d"),
		asks("glob typed", "show *evil?[x] \t", "", "*evil?[x]").in("bash"),
		asks("quoted glob typed", "show '*?[x]' \t", "", "*?[x]"),
		asks("colons and equals typed", "show a:b=c:d= \t", "", "a:b=c:d="),
		asks("mixed quotes typed", `show a"b c"'d e'f `+"\t", "", "ab cd ef"),
		asks("variable typed", `show "$HOME" `+"\t", "", "$HOME"),
		asks("substitution in the word", `show "q$(touch evaluated)`+"\t", "q$(touch evaluated)").in("bash"),
		asks("substitution in the word", `show "q$(touch evaluated)`+"\t", "q$(touch evaluated)").in("fish"),
		// The Tab of plain zsh is expand-or-complete, which expands by itself.
		asks("substitution in the word", `show "q$(touch evaluated)`+"\t", "q$(touch evaluated)").in("zsh autoloaded"),
		asks("behind a semicolon", `true; AWKWARD show one `+"\t", "", "one"),
		asks("newline typed", "show 'a\x16\x0ab' \t", "", "a\nb").in("bash"),
		asks("newline typed", "show 'a\x16\x0ab' \t", "", "a\nb").in("zsh"),
		asks("newline typed", "show 'a\x1b\rb' \t", "", "a\nb").in("fish"),
		asks("redirection before", "show one >out \t", "", "one"),
	}
}

// completed is a shell on a terminal with the completion of fal-awkward.
type completed struct {
	*terminal
	shell, folder string
	ran, asked    int // lines read so far
}

func (s *completed) lines(file string) []seen {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Fatal(err)
	}
	var all []seen
	for line := range strings.Lines(string(text)) {
		var one seen
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			s.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// awkward is the folder of fal-awkward and of the scripts of its completion.
func awkward(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"build", "-tags", "urfave_cli_no_docs", "-o", dir, "./plugins/internal/cli/testdata/fal-awkward"},
		{"run", "-tags", "urfave_cli_no_docs", "./plugins/internal/cli/writecompletions", "-o", filepath.Join(dir, "completions"), "fal-awkward"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = "../../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return dir
}

type shellStart struct {
	name  string
	argv  []string
	setup string
}

func shellStarts() []shellStart {
	return []shellStart{
		{"bash", []string{"bash", "--norc", "--noprofile", "-i"}, "source $SCRIPTS/bash/fal-awkward"},
		{"bash without compopt", []string{"bash", "--norc", "--noprofile", "-i"}, "enable -n compopt; source $SCRIPTS/bash/fal-awkward"},
		{"zsh", []string{"zsh", "-f", "-i"}, "autoload -Uz compinit; compinit -u -D; source $SCRIPTS/zsh/_fal-awkward"},
		{"zsh autoloaded", []string{"zsh", "-f", "-i"}, "fpath=($SCRIPTS/zsh $fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word"},
		{"fish", []string{"fish", "--no-config", "-i"}, "source $SCRIPTS/fish/fal-awkward.fish"},
	}
}

func TestCompletion(t *testing.T) {
	dir := awkward(t)
	for _, start := range shellStarts() {
		t.Run(start.name, func(t *testing.T) {
			shell, _, _ := strings.Cut(start.name, " ")
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("there is no %s on this machine", shell)
			}
			folder := t.TempDir()
			if err := os.Mkdir(filepath.Join(folder, "folder"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"folder/some file.toml", "fodder"} {
				if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			argv := append([]string{"sh", "-c", `cd "$0" && exec "$@"`, folder}, start.argv...)
			s := &completed{shell: shell, folder: folder}
			s.terminal = openTerminal(t, []string{
				"PATH=" + dir + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + folder, "TERM=dumb", "LC_ALL=C.UTF-8", "PS1=ready> ",
				"SCRIPTS=" + filepath.Join(dir, "completions"), "AWKWARD_RAN=" + filepath.Join(folder, ".ran"), "AWKWARD_ASKED=" + filepath.Join(folder, ".asked"),
			}, argv...)
			s.resize(200, 50)
			s.keys(start.setup + "\rfal-awkward show started\r")
			s.until("the first run", func() bool { return len(s.lines(".ran")) == 1 })
			s.ran = 1
			for _, c := range completionCases() {
				if c.only != "" && c.only != shell && c.only != start.name {
					continue
				}
				if !t.Run(c.name, func(t *testing.T) { s.T = t; s.try(c) }) {
					break // the next line would not begin at its beginning
				}
			}
		})
	}
}

func (s *completed) try(c completionCase) {
	s.Helper()
	keys := "fal-awkward " + c.keys
	if before, behind, ok := strings.Cut(c.keys, "AWKWARD "); ok {
		keys = before + "fal-awkward " + behind
	}
	s.until("the line editor", func() bool { return s.settings() != s.before })
	if c.asked != nil {
		s.keys(keys)
		s.until("the question", func() bool { return len(s.lines(".asked")) > s.asked })
		all := s.lines(".asked")
		if got := all[s.asked]; !reflect.DeepEqual(append([]string{}, got.Args...), append([]string{}, c.asked.Args...)) || got.Word != c.asked.Word {
			s.Errorf("arrived: %q; want %q", got, *c.asked)
		}
		s.keys("\x05\x15\x7f\x15") // the line, which may be two, is taken back
	} else {
		s.keys(keys + "\r")
		s.until("the run", func() bool { return len(s.lines(".ran")) > s.ran })
		got := s.lines(".ran")[s.ran]
		if !reflect.DeepEqual(append([]string{}, got.Args...), append([]string{}, c.args...)) || len(c.flags)+len(got.Flags) > 0 && !reflect.DeepEqual(got.Flags, c.flags) {
			s.Errorf("arrived: %q; want %q %q", got, c.args, c.flags)
		}
	}
	// Each line is over before the next one is typed.
	s.keys("fal-awkward show over\r")
	s.until("the end", func() bool {
		all := s.lines(".ran")
		return len(all) > s.ran && reflect.DeepEqual(all[len(all)-1].Args, []string{"over"})
	})
	s.ran, s.asked = len(s.lines(".ran")), len(s.lines(".asked"))
	if _, err := os.Stat(filepath.Join(s.folder, "evaluated")); err == nil {
		s.Error("something was evaluated")
		os.Remove(filepath.Join(s.folder, "evaluated"))
	}
}
