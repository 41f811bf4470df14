package secrets

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// values are those of the requests, by name.
func (tm *term) values() map[string]string {
	tm.T.Helper()
	found := map[string]string{}
	for _, c := range tm.Server.Calls("SetSecret") {
		var request struct{ Name, Value string }
		if err := json.Unmarshal(c.Request, &request); err != nil {
			tm.T.Fatal(err)
		}
		found[request.Name] = request.Value
	}
	return found
}

// What the official client sends, but for default_exposed where nobody said
// anything of it.
func TestSetRequests(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("set", "A=1", "B="), 0, "set A, B\n", "")
	tm.Want(tm.Run("set", "C=3", "--not-exposed-by-default", "--env", "staging"), 0, "set C in staging\n", "")
	tm.Want(tm.Run("set", "--exposed-by-default", "C==x=y", "--env", "main"), 0, "set C in main\n", "")
	tm.Env["FAL_ENV"] = "qa"
	tm.Want(tm.Run("set", "D= -x ", "--json"), 0, `{"secrets":[{"name":"D","environment":"qa","action":"set","result":"done","error":null}]}`+"\n", "")
	tm.WantRequests(
		`SetSecret {"name":"A","value":"1"}`, `SetSecret {"name":"B","value":""}`,
		`SetSecret {"default_exposed":false,"environment_name":"staging","name":"C","value":"3"}`,
		`SetSecret {"default_exposed":true,"environment_name":"main","name":"C","value":"=x=y"}`,
		`SetSecret {"environment_name":"qa","name":"D","value":" -x "}`,
	)
}

func TestSetSources(t *testing.T) {
	tm := newTerm(t)
	pem := "-----BEGIN\r\nx$y\\n\"'\n-----END\n\n"
	tm.Env["FROM_VAR"] = " v$\n"
	tm.Stdin = "piped \"value\"\r\n"
	r := tm.Run("set", "TYPED=a b", "--from-var", "FROM_VAR", "--from-env-file", write(t, "DB_URL='p$w'\nEMPTY=\n"), "PIPED", "--from-file", "TLS_KEY="+write(t, pem), "--from-env-file", write(t, "OTHER=1"))
	tm.Want(r, 0, "set TYPED, PIPED, TLS_KEY, FROM_VAR, DB_URL, EMPTY, OTHER\n", "")
	want := map[string]string{"TYPED": "a b", "PIPED": `piped "value"`, "TLS_KEY": pem, "DB_URL": "p$w", "EMPTY": "", "OTHER": "1", "FROM_VAR": " v$\n"}
	got := tm.values()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

// One line end is taken from standard input behind a NAME, and nothing else.
func TestSetStandardInput(t *testing.T) {
	for stdin, want := range map[string]string{
		"v": "v", "v\n": "v", "v\r\n": "v", "v\n\n": "v\n", "v\r\n\r\n": "v\r\n", "v\r": "v\r", " v \n": " v ", "\n\n": "\n", "a\nb\n": "a\nb", "\ufeffv": "\ufeffv",
	} {
		tm := newTerm(t)
		tm.Stdin = stdin
		if r := tm.Run("set", "A"); r.Code != 0 || tm.values()["A"] != want {
			t.Errorf("%q: %+v, value %q", stdin, r, tm.values()["A"])
		}
	}
	for _, argv := range []string{"set --from-file A=-", "set --from-env-file -"} {
		tm := newTerm(t)
		tm.Stdin = "A=v\n"
		want := map[string]string{"set --from-file A=-": "A=v\n", "set --from-env-file -": "v"}[argv]
		if r := tm.Run(strings.Fields(argv)...); r.Code != 0 || tm.values()["A"] != want {
			t.Errorf("%s: %+v, value %q", argv, r, tm.values()["A"])
		}
	}
}

// Whatever is wrong, it is found before anything is set, and no value is shown.
func TestSetRefuses(t *testing.T) {
	file, env := write(t, "canary"), write(t, "# c\nA='canary'\nB=canary\n")
	for _, tt := range []struct {
		name, stdin string
		argv        []string
		err         string
	}{
		{"nothing", "", []string{"set"}, "no secret is named\nhint: fal-secrets set NAME\n"},
		{"both exposures", "", []string{"set", "A=canary", "--exposed-by-default", "--not-exposed-by-default"}, "contradict"},
		{"a bad name", "", []string{"set", "B=canary", "1A=canary"}, "argument 2 is not the name of a secret"},
		{"a blank behind the name", "", []string{"set", "A = canary"}, "argument 1 is not the name of a secret"},
		{"no name", "", []string{"set", "=canary"}, "argument 1 is not the name of a secret"},
		{"a value for a name", "", []string{"set", "A", "canary-1"}, "argument 2 is not the name of a secret"},
		{"a value for a name, in base64", "", []string{"set", "A", "canary+1=="}, "argument 2 is not the name of a secret"},
		{"empty", "", []string{"set", ""}, "argument 1 is not the name of a secret"},
		{"twice", "", []string{"set", "A=canary", "A=canary"}, "A is given twice: as an argument and as an argument"},
		{"twice, in two ways", "", []string{"set", "A=canary", "--from-file", "A=" + file}, "A is given twice: as an argument and with --from-file"},
		{"twice, in a file", "", []string{"set", "B=canary", "--from-env-file", env}, "B is given twice: as an argument and in line 3 of " + env},
		{"twice, file and variable", "", []string{"set", "--from-var", "A", "--from-env-file", env}, "A is given twice: with --from-var and in line 2 of " + env},
		{"twice the same file", "", []string{"set", "--from-env-file", env, "--from-env-file", env}, "A is given twice: in line 2 of"},
		{"two read standard input", "canary", []string{"set", "A", "B"}, "standard input can be read once, and here it would be read 2 times\nhint: NAME=VALUE gives a value, and NAME alone reads it\nhint: --from-env-file - reads several"},
		{"three do", "canary", []string{"set", "A", "--from-file", "B=-", "--from-env-file", "-"}, "would be read 3 times"},
		{"empty standard input", "", []string{"set", "A"}, "there is no value for A: standard input is empty\nhint: `fal-secrets set A=` sets it to nothing\n"},
		{"a line end alone", "\r\n", []string{"set", "A"}, "standard input is empty"},
		{"empty file", "", []string{"set", "--from-file", "A=" + write(t, "")}, "is empty"},
		{"no path", "", []string{"set", "--from-file", "A"}, "--from-file takes NAME=PATH"},
		{"an empty path", "", []string{"set", "--from-file", "A="}, "--from-file takes NAME=PATH"},
		{"a bad name for a file", "", []string{"set", "--from-file", "canary-1=" + file}, "--from-file takes NAME=PATH"},
		{"no such file", "", []string{"set", "B=canary", "--from-file", "A=" + file + ".not"}, "cannot read " + file + ".not: "},
		{"a folder", "", []string{"set", "--from-file", "A=" + t.TempDir()}, "cannot read "},
		{"no such .env file", "", []string{"set", "--from-env-file", file + ".not"}, "cannot read " + file + ".not: "},
		{"no .env file", "", []string{"set", "--from-env-file", file}, file + ", line 1: it is not NAME=VALUE\n"},
		{"a bad name in a .env file", "A=canary\nlower.dot=canary\n", []string{"set", "--from-env-file", "-"}, "standard input, line 2: what stands before = is no name: in NAME=VALUE, a name is a letter or underscore, then letters, digits and underscores\n"},
		{"an open quote", "A=1\nB='canary", []string{"set", "--from-env-file", "-"}, "standard input, line 2: the quote that begins the value is not closed\n"},
		{"an empty .env file", "", []string{"set", "--from-env-file", write(t, "# A=canary\n")}, "there are no secrets in"},
		{"no such variable", "", []string{"set", "--from-var", "NONE"}, "the variable NONE is not set here, or empty"},
		{"a bad variable", "", []string{"set", "--from-var", "canary-1"}, "--from-var takes the name of a variable"},
		{"a value for a variable", "", []string{"set", "--from-var", "A=canary"}, "--from-var takes the name of a variable"},
		{"Latin-1", "canary\xe9\n", []string{"set", "A"}, "the value of A is not UTF-8 text"},
		{"Latin-1 in a .env file", "A=canary\xe9\n", []string{"set", "--from-env-file", "-"}, "standard input, line 1: it is not UTF-8"},
		{"NUL", "canary\x00", []string{"set", "A"}, "the value of A has a NUL byte"},
		{"too long", strings.Repeat("c", maxValue-2) + "\n", []string{"set", "A"}, "the value of A is too long: a program can not be given more than 128 KiB"},
		{"far too long", strings.Repeat("canary", maxValue), []string{"set", "A"}, "cannot read standard input: it is too large"},
		{"a file that is too long", "", []string{"set", "--from-file", "A=" + write(t, strings.Repeat("canary", maxValue))}, "it is too large"},
		{"the second value is wrong", "canary\x00", []string{"set", "A=canary", "B"}, "the value of B has a NUL byte"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Stdin = tt.stdin
			r := tm.Run(tt.argv...)
			tm.Want(r, cli.ExitUsage, "", tt.err)
			if strings.Contains(r.Err, "canary") {
				t.Errorf("a value was printed: %q", r.Err)
			}
			tm.WantRequests()
		})
	}
}

func TestSetLongest(t *testing.T) {
	tm := newTerm(t)
	long := strings.Repeat("é", (maxValue-4)/2) // with A, = and NUL one byte below
	tm.Stdin = long + "c\r\n"
	if r := tm.Run("set", "A"); r.Code != 0 || tm.values()["A"] != long+"c" {
		t.Errorf("%+v", r)
	}
}

// keeping is what a person is told besides.
const keeping = "hint: runners that run already keep what they were started with; `fal apps rollout APP` replaces them\n"

func TestSetAtTerminal(t *testing.T) {
	t.Run("asks", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, " typed in \nsecond\n"
		tm.Want(tm.Run("set", "A", "B", "--from-file", "C="+write(t, "c")), 0, "set A, B, C\n", keeping)
		tm.WantRequests(`SetSecret {"name":"A","value":" typed in "}`, `SetSecret {"name":"B","value":"second"}`, `SetSecret {"name":"C","value":"c"}`)
	})
	t.Run("nothing is typed", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "\n"
		tm.Want(tm.Run("set", "A"), 2, "", "there is no value for A\nhint: `fal-secrets set A=` sets it to nothing\n")
		tm.WantRequests()
	})
	t.Run("end of input", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		tm.Want(tm.Run("set", "A", "B=1"), 2, "", "there is no value for A")
		tm.WantRequests()
	})
	t.Run("nobody sees the question", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Quiet, tm.Stdin = true, true, "canary\n"
		tm.Want(tm.Run("set", "A"), 2, "", "no terminal to ask on")
	})
	t.Run("what is typed would be shown", func(t *testing.T) {
		for _, argv := range [][]string{{"set", "--from-file", "A=-"}, {"set", "--from-env-file", "-"}} {
			tm := newTerm(t)
			tm.TTY, tm.Stdin = true, "canary\n"
			tm.Want(tm.Run(argv...), 2, "", "standard input is a terminal, which would show what is typed")
		}
	})
	t.Run("no credentials: nobody types in vain", func(t *testing.T) {
		tm := newTerm(t)
		delete(tm.Env, "FAL_KEY")
		tm.Env["FAL_HOME_DIR"] = t.TempDir()
		tm.TTY, tm.Stdin = true, "canary\n"
		tm.Want(tm.Run("set", "A"), 4, "", "no credentials")
	})
}

func TestSetWarns(t *testing.T) {
	const one = "warning: the value of A is in the shell's history now\nhint: `fal-secrets set A` asks for it"
	for _, tt := range []struct {
		name       string
		tty, quiet bool
		argv       string
		want       string
	}{
		{"at a terminal", true, false, "set A=canary B=", one},
		{"two", true, false, "set A=canary B=canary", "warning: the values of A, B are in the shell's history now\n"},
		{"in a pipe", false, false, "set A=canary", ""},
		{"nobody sees it", true, true, "set A=canary", ""},
		{"there is nothing", true, false, "set A=", keeping},
		{"in an environment", true, false, "set A= --env qa", strings.Replace(keeping, "APP", "APP --env qa", 1)},
		{"for a program", true, false, "set A= --json", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY, tm.Quiet = tt.tty, tt.quiet
			r := tm.Run(strings.Fields(tt.argv)...)
			if r.Code != 0 || !strings.HasPrefix(r.Err, tt.want) || tt.want == "" && r.Err != "" || strings.Contains(r.Err, "canary") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Where others would read another value, it is said.
func TestSetNotesWhatDiffers(t *testing.T) {
	tm := newTerm(t)
	path := write(t, "A=\"a\\nb\"\nB='a\\nb'\nC=${A}\nD=db://$HOME/\nE='$HOME'\nF=5$\n")
	tm.Want(tm.Run("set", "--from-env-file", path), 0, "set A, B, C, D, E, F\n", "note: A, C, D in "+path+": \\ and $ are set as they stand, nothing is expanded\n")
	if got := tm.values(); got["A"] != `a\nb` || got["B"] != `a\nb` || got["C"] != "${A}" {
		t.Errorf("%q", got)
	}
}

func TestSetFailsInTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer faltest.Answer
		argv   string
		code   int
		out    string
		err    string
	}{
		{"in the middle", faltest.Fail(3, "secret B has a name of another"), "set A=canary B=canary C=canary D=canary", 1, "set A\n",
			"fal-secrets: error: B was not set: secret B has a name of another\n  set before it: A\n  not set: C, D\n"},
		{"at the end", faltest.Fail(7, "needs an ADMIN key"), "set A=canary B=canary --env staging", 1, "set A in staging\n",
			"B was not set: needs an ADMIN key\n  set before it: A\nhint: key testid"},
		{"nobody knows", faltest.Fail(13, "the disk is full"), "set A=canary B=canary C=canary", 1, "set A\n",
			"whether B was set is not known: the disk is full\n  set before it: A\n  not set: C\n"},
		{"as JSON", faltest.Fail(5, "environment gone"), "set A=canary B=canary C=canary --json", 1,
			`{"secrets":[{"name":"A","environment":"","action":"set","result":"done","error":null},` +
				`{"name":"B","environment":"","action":"set","result":"failed","error":"environment gone"},` +
				`{"name":"C","environment":"","action":"set","result":"skipped","error":null}]}` + "\n",
			`{"error":{"code":"failed","message":"B was not set: environment gone\n  set before it: A\n  not set: C","hints":[]}}` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.Script("SetSecret", faltest.Reply(), tt.answer)
			r := tm.Run(strings.Fields(tt.argv)...)
			tm.Want(r, tt.code, tt.out, tt.err)
			if n := len(tm.Requests("SetSecret")); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
	t.Run("the first one", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("SetSecret", faltest.Fail(3, "no"))
		tm.Want(tm.Run("set", "A=canary", "B=canary"), 2, "", "A was not set: no\n  not set: B\n")
	})
	t.Run("the only one", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("SetSecret", faltest.Fail(5, "environment staging not found"))
		tm.Want(tm.Run("set", "A=canary", "--env", "staging"), 3, "", "fal-secrets: error: environment staging not found\n")
	})
	t.Run("comes back", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("SetSecret", faltest.Fail(14, "later"), faltest.Fail(14, "later"))
		tm.Want(tm.Run("set", "A=1"), 0, "set A\n", "")
	})
	t.Run("down", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Close()
		tm.Want(tm.Run("set", "A=canary", "B=canary"), 6, "", "A was not set: connection refused by")
	})
	t.Run("no answer in time", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("SetSecret", faltest.Hang())
		tm.Want(tm.Run("set", "A=canary", "--timeout", "100ms"), 6, "", "whether A was set is not known: no answer from")
	})
	t.Run("interrupted", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("SetSecret", faltest.Reply(), faltest.Hang())
		r := tm.RunContext(interruptAt(t, tm.Server, 2), "set", "A=canary", "B=canary", "C=canary")
		tm.Want(r, 130, "set A\n", "whether B was set is not known: ")
		if !strings.Contains(r.Err, "\n  set before it: A\n  not set: C\n") {
			t.Errorf("stderr %q", r.Err)
		}
	})
}

// A pipe that nobody writes to does not keep Ctrl-C from ending the command.
func TestSetInterruptedWhileReading(t *testing.T) {
	for _, argv := range []string{"set A", "set --from-file A=-", "set --from-env-file -"} {
		tm := newTerm(t)
		streams, _, _, _ := iostreams.Test()
		reader, writer := io.Pipe()
		streams.In = &watched{reader, make(chan struct{})}
		ctx, cancel := contextEndedBy(t, streams.In.(*watched).read)
		code := cli.Run(ctx, app(testDependencies()), cli.Process{Args: strings.Fields(argv), Streams: streams, Getenv: tm.Getenv})
		cancel()
		writer.Close()
		if code != cli.ExitInterrupted {
			t.Errorf("%s: exit %d", argv, code)
		}
		tm.WantRequests()
	}
}

func TestSetReadsUntilTimeIsUp(t *testing.T) {
	tm := newTerm(t)
	streams, _, _, errout := iostreams.Test()
	reader, writer := io.Pipe()
	defer writer.Close()
	streams.In = reader
	code := cli.Run(t.Context(), app(testDependencies()), cli.Process{Args: []string{"set", "A", "--timeout", "10ms"}, Streams: streams, Getenv: tm.Getenv})
	if code != cli.ExitFailure || !strings.Contains(errout.String(), "standard input did not end in time") {
		t.Errorf("exit %d, %s", code, errout)
	}
}
