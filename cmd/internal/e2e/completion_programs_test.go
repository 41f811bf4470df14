//go:build unix

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// programCase is what is typed of a line of the real programs. Without shows the
// line, as it stands then, must have these words; else the terminal must show
// these texts, and the line is thrown away.
type programCase struct {
	keys  string // \t is Tab
	words []string
	shows []string
	only  string // a shell; empty for all
}

func becomes(keys string, words ...string) programCase { return programCase{keys: keys, words: words} }
func shows(keys string, texts ...string) programCase   { return programCase{keys: keys, shows: texts} }

func (c programCase) in(shell string) programCase {
	c.only = shell
	return c
}

// sampleCases are lines of a control plane with the sample app. id is a runner,
// key and revision what there are of these.
func sampleCases(id, key, revision string) []programCase {
	cases := []programCase{
		// The first Tab of each command.
		shows("fal \t", "runners", "secrets", "completion", "alias"),
		shows("fal runners \t", "List runners", "describe", "logs", "exec"),
		shows("fal apps \t", "List apps", "describe", "rollback"),
		shows("fal keys \t", "create", "List keys", "revoke"),
		shows("fal secrets \t", "set", "unset"),
		shows("fal environments \t", "create", "delete"),
		shows("fal account \t", "List accounts", "unset"),
		shows("fal auth \t", "login", "whoami"),
		shows("fal profile \t", "create", "show", "delete"),
		shows("fal local \t", "start", "status", "logs"),
		shows("fal doctor --c\t", "--check-updates", "--color"),
		shows("fal deploy --a\t", "--app-name", "--auth"),
		shows("fal alias \t", "set", "delete"),
		shows("fal plugin \t", "list", "which"),
		shows("fal completion \t", "install", "uninstall"),
		shows("fal help \t", "exit-codes", "environment", "runners"),
		shows("fal-runners \t", "List runners", "describe"),
		becomes("fal run\tli\t", "fal", "runners", "list"),
		becomes("fal runner lis\t", "fal", "runner", "list"),
		becomes("fal-runners desc\t", "fal-runners", "describe"),
		becomes("fal idl\t", "fal", "idle"),

		// Flags and their values.
		shows("fal -\t", "--profile", "--output", "--version"),
		becomes("fal --sta\tx", "fal", "--stax"), // is a flag of commands
		becomes("fal --wat\tx", "fal", "--watx"),
		becomes("fal --outp\tyam\trunners", "fal", "--output", "yaml", "runners"),
		becomes("fal runners list --stat\trunn\t", "fal", "runners", "list", "--state", "running"),
		becomes("fal runners list --state=runn\t", "fal", "runners", "list", "--state=running"),
		becomes("fal runners list --state IDLE idl\tx", "fal", "runners", "list", "--state", "IDLE", "idlx"),
		becomes("fal runners list --sort age:\t", "fal", "runners", "list", "--sort", "age:desc"),
		becomes("fal plugin list --sort path:\t", "fal", "plugin", "list", "--sort", "path:desc"),
		becomes("fal runners list --color=al\t", "fal", "runners", "list", "--color=always"),
		becomes("fal runners list --app sam\t", "fal", "runners", "list", "--app", "sample"),
		becomes("fal runners list --jq .runners[].uptime_s\tx", "fal", "runners", "list", "--jq", ".runners[].uptime_secondsx").in("bash"),
		becomes("fal runners list --jq '.runners[0].uptime_s\t'", "fal", "runners", "list", "--jq", ".runners[0].uptime_seconds"),
		becomes("fal runners list --jq='.runners[0].uptime_s\t | tostring'", "fal", "runners", "list", "--jq=.runners[0].uptime_seconds | tostring"),
		becomes(`fal runners list --jq=".runners[0] | .uptime_s`+"\t"+`"`, "fal", "runners", "list", "--jq=.runners[0] | .uptime_seconds"),
		becomes(`fal deploy --python="my d`+"\t"+`"`, "fal", "deploy", "--python=my dir/").in("zsh"),
		becomes("fal runners list --jq '.runners | map(.uptime_s\t)'", "fal", "runners", "list", "--jq", ".runners | map(.uptime_seconds)"),
		becomes("fal runners list -o jsonl --jq .uptime_s\t", "fal", "runners", "list", "-o", "jsonl", "--jq", ".uptime_seconds"),
		becomes("fal runners list --watch --jq .eve\t", "fal", "runners", "list", "--watch", "--jq", ".event"),
		becomes("fal runners logs -fq .mess\t", "fal", "runners", "logs", "-fq", ".message"),
		shows("fal keys create --scope \t", "ADMIN", "API"), // which begin alike
		becomes("fal keys create --scope ADM\t", "fal", "keys", "create", "--scope", "ADMIN"),
		becomes("fal completion install --shell fi\t", "fal", "completion", "install", "--shell", "fish"),

		// What the service has.
		shows("fal runners describe \t", id, "sample IDLE"),
		becomes("fal runners describe "+id[:13]+"\t", "fal", "runners", "describe", id),
		becomes("fal-runners stop "+id[:13]+"\t", "fal-runners", "stop", id),
		becomes("fal runners logs app/s\t", "fal", "runners", "logs", "app/sample"),
		becomes("fal apps describe sa\t", "fal", "apps", "describe", "sample"),
		becomes("fal apps set-rev sa\t"+revision[:13]+"\t", "fal", "apps", "set-rev", "sample", revision),
		becomes("fal keys revoke "+key[:13]+"\t", "fal", "keys", "revoke", key),
		shows("fal keys revoke \t", "deploys $(touch evaluated)"),
		becomes("fal secrets unset DB\t", "fal", "secrets", "unset", "DB_URL"),
		becomes("fal apps list --env stag\t", "fal", "apps", "list", "--env", "staging"),
		becomes("fal --env=stag\tapps", "fal", "--env=staging", "apps"),
		shows("fal environments delete \t", "before `touch evaluated`"),
		becomes("fal profile show wo\t", "fal", "profile", "show", "wo rk$(touch evaluated)"),
		becomes(`fal --profile "wo`+"\tapps", "fal", "--profile", "wo rk$(touch evaluated)", "apps"),
		becomes("fal runners list --profile=wo\t", "fal", "runners", "list", "--profile=wo rk$(touch evaluated)"),

		// Files.
		becomes(`fal deploy my\ dir/ap`+"\tOt\t", "fal", "deploy", "my dir/app one.py::Other"), // one of its two
		becomes(`fal deploy "my dir/ap`+"\tOt\t", "fal", "deploy", "my dir/app one.py::Other"),
		becomes("fal deploy hd/o\t", "fal", "deploy", "hd/one.py"),
		becomes(`fal deploy 'my dir/app one.py::Gr`+"\t", "fal", "deploy", "my dir/app one.py::Größe").in("bash"),
		becomes(`fal deploy my\ dir/app\ one.py::Gr`+"\t", "fal", "deploy", "my dir/app one.py::Größe"),
		becomes("fal secrets set --from-env-file ~/hd/x\t", "fal", "secrets", "set", "--from-env-file", "HOME/hd/x.env"),
		becomes("fal secrets set --from-env-file $HOME/hd/x\t", "fal", "secrets", "set", "--from-env-file", "HOME/hd/x.env"),
		becomes("fal secrets set --from-env-file hd/x\t", "fal", "secrets", "set", "--from-env-file", "hd/x.env"),
		becomes("fal secrets set --from-env-file=hd/x\t", "fal", "secrets", "set", "--from-env-file=hd/x.env"),
		becomes(`fal deploy '$(touch evaluated)/y`+"\tOt\t", "fal", "deploy", "$(touch evaluated)/y.py::Other"),
	}
	// What is typed is never evaluated, also where files are completed.
	for _, before := range []string{"fal deploy ", "fal secrets set --from-env-file=", "fal secrets set --from-env-file ", "fal local start --data-dir ", "fal runners describe "} {
		for _, typed := range []string{"$(touch evaluated)/", `"$(touch evaluated)/`, "`touch evaluated`/", "<(touch evaluated)/", "${X:=$(touch evaluated)}/"} {
			cases = append(cases, shows(before+typed+"\t"))
		}
	}
	return cases
}

// hostileCases are lines of a service whose names are attempts to be evaluated.
func hostileCases() []programCase {
	return []programCase{
		becomes("fal runners describe in\t", "fal", "runners", "describe", "in$(touch evaluated)"),
		becomes("fal runners describe 'in\t", "fal", "runners", "describe", "in$(touch evaluated)"),
		becomes("fal-runners stop \"in\t", "fal-runners", "stop", "in$(touch evaluated)"),
		becomes("fal secrets unset ti\t", "fal", "secrets", "unset", "ti`touch evaluated`"),
		becomes("fal keys revoke se\t", "fal", "keys", "revoke", "se;touch evaluated"),
		becomes("fal keys revoke co\t", "fal", "keys", "revoke", "co:l:on"),
		becomes("fal keys revoke co:l:\t", "fal", "keys", "revoke", "co:l:on"),
		becomes("fal environments delete sp\t", "fal", "environments", "delete", "sp ace && touch evaluated"),
		becomes("fal --env sp\tapps", "fal", "--env", "sp ace && touch evaluated", "apps"),
		becomes("fal apps describe qu\t", "fal", "apps", "describe", `qu'o"te|touch evaluated`),
		becomes("fal apps describe eq=\t", "fal", "apps", "describe", "eq=u*al?[s]"),
		shows("fal runners describe \t", "app$(touch evaluated)"),
	}
}

// hostileService is a service that has them.
func hostileService(t *testing.T) *faltest.Server {
	server := faltest.New(t)
	server.SetRunners(faltest.Runner{ID: "in$(touch evaluated)", Alias: "app$(touch evaluated)"}, faltest.Runner{ID: "other", Alias: "`touch evaluated`"})
	server.SetSecrets(faltest.Secret{Name: "ti`touch evaluated`"}, faltest.Secret{Name: "other"})
	server.SetKeys(faltest.Key{ID: "se;touch evaluated", Description: "$(touch evaluated)"}, faltest.Key{ID: "co:l:on"}, faltest.Key{ID: "other"})
	server.SetEnvironments(faltest.Environment{Name: "sp ace && touch evaluated"}, faltest.Environment{Name: "main", Default: true})
	server.SetApps(faltest.App{Alias: `qu'o"te|touch evaluated`}, faltest.App{Alias: "eq=u*al?[s]"}, faltest.App{Alias: "other"})
	return server
}

// programShell is a shell on a terminal in which lines are completed.
type programShell struct {
	*terminal
	shell, folder string
	ran           int
}

// seen are the words of the lines that were run so far.
func (s *programShell) seen() [][]string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, ".seen"))
	if err != nil && !os.IsNotExist(err) {
		s.Fatal(err)
	}
	var lines [][]string
	for line := range strings.SplitSeq(string(text), "\x01\n") {
		words := strings.Split(line, "\x02")
		lines = append(lines, words[:len(words)-1])
	}
	return lines[:len(lines)-1]
}

func (s *programShell) try(c programCase) {
	s.Helper()
	s.until("the line editor", func() bool { return s.settings() != s.before })
	before := len(s.text())
	if c.words != nil {
		s.keys(c.keys + "\x01seen \r") // at the beginning of the line
		s.until("the line", func() bool { return len(s.seen()) > s.ran })
		got := strings.ReplaceAll(strings.Join(s.seen()[s.ran], "|"), s.folder, "HOME")
		if want := strings.Join(c.words, "|"); got != want {
			s.Errorf("%q becomes %q, want %q", c.keys, got, want)
		}
	} else {
		s.keys(c.keys)
		if s.shell == "bash" {
			s.keys("\t\t") // which lists at the second, or at the third if all begin alike
		}
		for _, text := range c.shows {
			s.until("the sight of "+text+" for "+c.keys, func() bool { return strings.Contains(s.text()[before:], text) })
		}
		s.keys("\x05\x15\x7f\x15") // the line is taken back
	}
	s.keys("seen over\r")
	s.until("the end of "+c.keys, func() bool {
		all := s.seen()
		return len(all) > s.ran && strings.Join(all[len(all)-1], "|") == "over"
	})
	s.ran = len(s.seen())
	if _, err := os.Stat(filepath.Join(s.folder, "evaluated")); err == nil {
		s.Errorf("%q: something was evaluated", c.keys)
		os.Remove(filepath.Join(s.folder, "evaluated"))
	}
}

// TestCompletionOfPrograms presses Tab behind the real programs, with the scripts
// that fal prints, on a real control plane and on a service of awkward names.
// What they list is in the cache: how long Tab waits for a service is tried
// elsewhere, and here a slow machine must not matter.
func TestCompletionOfPrograms(t *testing.T) {
	bin, env, id := startSample(t)
	home := strings.TrimPrefix(env[0], "HOME=")
	run := func(env []string, program string, args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Env = env
		cmd.Dir = home
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", program, args, err)
		}
		return strings.TrimSpace(string(out))
	}
	for _, path := range []string{"my dir/app one.py", "hd/x.env", "$(touch evaluated)/y.py"} {
		text := "import fal\nclass Größe(fal.App): pass\nclass Other(fal.App): pass\n"
		if err := errors.Join(os.MkdirAll(filepath.Join(home, filepath.Dir(path)), 0o755), os.WriteFile(filepath.Join(home, path), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "hd/one.py"), []byte("import fal\nclass One(fal.App): pass\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	seen := "#!/bin/sh\n{ for a do printf '%s\\002' \"$a\"; done; printf '\\001\\n'; } >>\"$SEEN\"\n"
	if err := os.WriteFile(filepath.Join(tools, "seen"), []byte(seen), 0o755); err != nil {
		t.Fatal(err)
	}
	env[1] = "PATH=" + tools + ":" + strings.TrimPrefix(env[1], "PATH=")
	env = append(env, "SEEN="+filepath.Join(home, ".seen"), "LC_ALL=C.UTF-8", "PS1=ready> ", "FAL_CACHE_DIR="+filepath.Join(home, ".kept"))

	run(env, "fal", "profile", "create", "wo rk$(touch evaluated)", "--no-set")
	run(env, "fal", "alias", "set", "idle", "--", "runners", "list", "--state", "idle")
	run(env, "fal", "keys", "create", "--desc", "deploys $(touch evaluated)")
	run(env, "fal", "environments", "create", "backup", "--description", "before `touch evaluated`")
	run(env, "fal", "secrets", "set", "DB_URL=x", "TOKEN=y")
	hostile := hostileService(t)
	hostileEnv := append(append([]string{}, env...), "FAL_GRPC_HOST="+hostile.Host(), "FAL_REST_HOST="+hostile.Host())
	for _, env := range [][]string{env, hostileEnv} {
		for _, noun := range []string{"runners", "apps", "keys", "secrets", "environments"} {
			run(env, "fal-"+noun, "list")
		}
	}
	key := run(env, "fal-keys", "list", "--jq", ".keys[0].key_id")
	revision := run(env, "fal-apps", "revisions", "sample", "--jq", ".revisions[0].revision")

	// fish lists nothing on a terminal that can do nothing.
	for _, start := range []shellStart{
		{"bash", []string{"bash", "--norc", "--noprofile", "-i"}, `bind 'set completion-query-items 0'; bind 'set page-completions off'; eval "$(fal completion bash)"`},
		{"zsh", []string{"zsh", "-f", "-i"}, "unsetopt list_ambiguous; autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word; source <(fal completion zsh)"},
		{"fish", []string{"fish", "--no-config", "-i"}, "fal completion fish | source"},
	} {
		t.Run(start.name, func(t *testing.T) {
			if _, err := exec.LookPath(start.name); err != nil {
				t.Skipf("there is no %s on this machine", start.name)
			}
			if err := os.RemoveAll(filepath.Join(home, ".seen")); err != nil {
				t.Fatal(err)
			}
			argv := append([]string{"sh", "-c", `cd "$0"; [ "$1" = fish ] || TERM=dumb; exec "$@"`, home}, start.argv...)
			s := &programShell{terminal: openTerminal(t, env, argv...), shell: start.name, folder: home}
			s.resize(200, 50)
			s.keys(start.setup + "\rseen started\r")
			s.until("the first line", func() bool { return len(s.seen()) == 1 })
			s.ran = 1
			for _, c := range sampleCases(id, key, revision) {
				if c.only == "" || c.only == start.name {
					s.try(c)
				}
			}
			s.keys("export FAL_GRPC_HOST=" + hostile.Host() + " FAL_REST_HOST=" + hostile.Host() + "; seen ready\r")
			s.until("the other service", func() bool { return len(s.seen()) > s.ran })
			s.ran = len(s.seen())
			for _, c := range hostileCases() {
				s.try(c)
			}
		})
	}
}
