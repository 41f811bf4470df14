//go:build unix

package dispatch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/dispatch"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// completed asks for the last of the words, and returns what may stand there:
// the values, or else the directive, or the program that is to say it.
func completed(t *testing.T, d *dispatch.Dispatcher, words ...string) string {
	t.Helper()
	r, err := cli.ReadRequest(append([]string{cli.CompleteWord, "--"}, words...))
	if err != nil {
		t.Fatal(err)
	}
	answer := d.Complete(t.Context(), r)
	if answer.Program.Path != "" {
		return "run " + filepath.Base(answer.Program.Path) + " " + strings.Join(answer.Program.Args, " ")
	}
	var out strings.Builder
	if err := r.Write(&out, answer.Reply); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\t", "="), "\n", " ")
}

// described is a dispatcher with a plugin for each way to complete.
func described(t *testing.T) (root string, d *dispatch.Dispatcher) {
	t.Helper()
	root = realTempDir(t)
	ran := filepath.Join(root, "ran")
	for name, content := range map[string]string{
		"fal-ours":           "# fal-plugin: complete describe\ncase $1 in __describe) echo '{\"summary\": \"Do things.\"}' ;; *) shift; printf '<%s>\\n' \"$*\"; echo two words;; esac\n",
		"fal-kube":           "touch " + ran + "\n",
		"fal_complete-kube":  "printf '%s\\tsome \\033 x\\n' \"$#\" \"at $2\"; echo :6\n",
		"fal-quiet":          "touch " + ran + "\n",
		"fal-garbage":        "# fal-plugin: complete describe\nprintf 'no json \\000\\377\\n\\n\\t\\n'; exit 0\n",
		"fal-my-tool":        "touch " + ran + "\n",
		"fal_complete-alone": "touch " + ran + "\n",
	} {
		write(t, filepath.Join(root, "a", name), "#!/bin/sh\n"+content)
	}
	env := environment(t, root, "a")
	env.Home = filepath.Join(root, "home")
	env.Environ = append(env.Environ, "PATH=/usr/bin:/bin", "FAL_CACHE_DIR="+filepath.Join(root, "cache"))
	write(t, filepath.Join(env.Home, ".fal", "aliases.toml"), "short = ['--profile', 'dev', 'kube', 'get']\nloop = ['loop']\nver = ['version']\n")
	t.Cleanup(func() {
		if _, err := os.Stat(ran); err == nil {
			t.Error("a plugin was run that does not announce it")
		}
	})
	return root, dispatch.New(env, installed.Builtins()).Patient(time.Minute)
}

func TestComplete(t *testing.T) {
	_, d := described(t)
	for _, test := range []struct{ words, want string }{
		{"o", "ours=Do things :none"},
		{"k", "kube= :none"},
		{"ve", "version=Show the version of this program ver=version :none"},
		{"lo", "loop=loop :none"},
		{"nothing of this name", ":none"},

		{"ours a <", "<-- a <>= :none"},
		{"-v ours a <", "<-- -v a <>= :none"},
		{"--profile dev ours <", "<-- --profile dev <>= :none"},
		{"garbage ", ":none"},
		{"quiet ", ":files"},

		{"kube ", "1=some x at =some x :nospace"},
		{"kube x ", "2=some x at =some x :nospace"},
		{"short ", "4=some x at dev=some x :nospace"},
		{"short --json a", "at dev=some x :nospace"},
		{"loop ", ":none"},

		{"my ", "tool= :none"},
		{"my-", "my-tool= :none"},
		{"run ", ":files"},
		{"--help ", ":none"},

		{"alias delete s", "short=--profile dev kube get :none"},
		{"alias set x k", "kube= :none"},
		{"alias set x -- kube ", "1=some x at =some x :nospace"},
		{"help out", "output=what all commands have in common :none"},
		{"help kube ", "1=some x at =some x :nospace"},
		{"plugin whi", "which=Show which program a command runs :none"},
		{"completion install --shell b", "bash= :none"},
		{"plugin list --sort v", "version= version:desc= :none"},
	} {
		got := completed(t, d, strings.Split(test.words, " ")...)
		if test.want != "" && got != test.want {
			t.Errorf("fal %s|: %q, want %q", test.words, got, test.want)
		}
		if strings.ContainsAny(got, "\x1b\x00\r") {
			t.Errorf("fal %s|: control characters in %q", test.words, got)
		}
	}
}

// A program of this project is become, with the flags before its name behind
// it.
func TestCompleteHandsOn(t *testing.T) {
	root, d := described(t)
	buildFal(t, filepath.Join(root, "built"))
	content, err := os.ReadFile(filepath.Join(root, "built", "fal"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "a", "fal-runners"), string(content))
	write(t, filepath.Join(root, "a", "fal-apps"), string(content))
	for words, want := range map[string]string{
		"runners ":                   "run fal-runners __complete -- ",
		"--profile dev runner list ": "run fal-runners __complete -- --profile dev list ",
		"runners $(x) `y`":           "run fal-runners __complete -- $(x) `y`",
		"--profile=d":                "run fal-runners __complete -- list --profile=d",
		"--env=d":                    "run fal-apps __complete -- list --env=d",
		"-v --team ":                 "run fal-runners __complete -- list -v --team ",
		"--profile ":                 "run fal-runners __complete -- list --profile ",
	} {
		if got := completed(t, d, strings.Split(words, " ")...); got != want {
			t.Errorf("fal %s|: %q, want %q", words, got, want)
		}
	}
}

// Before a command there are the flags that all commands have, whatever those of
// one plugin are.
func TestCompleteSharedFlags(t *testing.T) {
	root, d := described(t)
	buildFal(t, filepath.Join(root, "built"))
	content, err := os.ReadFile(filepath.Join(root, "built", "fal"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "a", "fal-runners"), string(content))
	for _, typed := range []string{"-", "--", "-v -", "--profile dev --"} {
		words := strings.Split(typed, " ")
		r, err := cli.ReadRequest(append([]string{cli.CompleteWord, "--"}, words...))
		if err != nil {
			t.Fatal(err)
		}
		answer := d.Complete(t.Context(), r)
		if answer.Program.Path != "" || len(answer.Reply.Candidates) < 5 {
			t.Errorf("fal %s|: %+v", typed, answer)
		}
		for _, c := range answer.Reply.Candidates {
			if !strings.HasPrefix(c.Value, "-") {
				continue
			}
			line := append(append([]string{}, words[:len(words)-1]...), c.Value, "1", "2")
			if _, err := dispatch.Split(line); err != nil {
				t.Errorf("fal %s| offers %s: %v", typed, c.Value, err)
			}
		}
	}
	for words, want := range map[string]string{
		"--output js":        "json= jsonl= :none",
		"-o=js":              "-o=json= -o=jsonl= :none",
		"--color al":         "always= :none",
		"--profile dev --pr": ":none",
		"--jq .":             ":nospace",
	} {
		if got := completed(t, d, strings.Split(words, " ")...); got != want {
			t.Errorf("fal %s|: %q, want %q", words, got, want)
		}
	}
}

// All that one Tab asks of others ends at the same time, and nothing is asked
// that is not shown.
func TestCompleteAsksWithinOneBudget(t *testing.T) {
	root, d := described(t)
	for _, name := range []string{"fal-hang", "fal-hung"} {
		write(t, filepath.Join(root, "a", name), "#!/bin/sh\n# fal-plugin: complete describe\nexit 1\n")
	}
	for words, want := range map[string]string{
		"hang ":             "fal-hang __complete",
		"hang x ":           "fal-hang __complete",
		"help hang ":        "fal-hang __complete",
		"alias set x hung ": "fal-hung __complete",
		"-v hang ":          "fal-hang __complete",
		"kube ":             "fal_complete-kube ",
		"h":                 "fal-garbage __describe, fal-hang __describe, fal-hung __describe, fal-ours __describe",
	} {
		var mu sync.Mutex
		var asked []string
		var ends []time.Time
		fake := d.Asking(func(ctx context.Context, path string, args, _ []string) (string, error) {
			end, bounded := ctx.Deadline()
			mu.Lock()
			asked = append(asked, filepath.Base(path)+" "+args[0])
			ends = append(ends, end)
			mu.Unlock()
			if !bounded {
				return "", errors.New("not bounded")
			}
			return "", context.DeadlineExceeded
		})
		began := time.Now()
		completed(t, fake, strings.Split(words, " ")...)
		slices.Sort(asked)
		if got := strings.Join(asked, ", "); got != want {
			t.Errorf("fal %s|: asked %q, want %q", words, got, want)
		}
		for _, end := range ends {
			if !end.Equal(ends[0]) || end.Before(began) {
				t.Errorf("fal %s|: bounded to %v of one Tab", words, ends)
			}
		}
	}
}

// A plugin that hangs when it is asked is left soon, and not asked again soon.
func TestHangingPlugin(t *testing.T) {
	root, d := described(t)
	asked := filepath.Join(root, "asked")
	write(t, filepath.Join(root, "a", "fal-hang"), "#!/bin/sh\n# fal-plugin: complete describe\necho $1 >>"+asked+"\nsleep 1000\n")
	hurried := d.Patient(100 * time.Millisecond)
	start := time.Now()
	for range 3 {
		completed(t, hurried, "")
	}
	if got := completed(t, hurried, "hang", ""); got != ":none" {
		t.Errorf("got %q", got)
	}
	words, err := os.ReadFile(asked)
	if err == nil && strings.Count(string(words), "__describe") > 1 && time.Since(start) < 5*time.Second {
		t.Errorf("it was asked %q", words)
	}
}

// A plugin is asked once for each version of its file.
func TestDescribeIsRemembered(t *testing.T) {
	root, d := described(t)
	asked := filepath.Join(root, "asked")
	write(t, filepath.Join(root, "a", "fal-once"), "#!/bin/sh\n# fal-plugin: describe\necho x >>"+asked+"\necho '{\"summary\": \"Once\"}'\n")
	for range 3 {
		if got := completed(t, d, "once"); got != "once=Once :none" {
			t.Errorf("got %q", got)
		}
	}
	if words, err := os.ReadFile(asked); err != nil || string(words) != "x\n" {
		t.Errorf("it was asked %q, %v", words, err)
	}
	// A new file is a new plugin.
	path := write(t, filepath.Join(root, "a", "fal-ours"), "#!/bin/sh\n# fal-plugin: describe\nprintf '%s\\n' '{\"summary\":\"Do more\\u0007\\nthings\"}'\n")
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if got, want := completed(t, d, "ours"), "ours=Do more things :none"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSuggestSaysWhatItIs(t *testing.T) {
	_, d := described(t)
	want := []dispatch.Suggestion{{Command: "fal ours", Summary: "Do things"}}
	if diff := cmp.Diff(want, d.Suggest(t.Context(), []string{"ourss"})); diff != "" {
		t.Error(diff)
	}
	want = []dispatch.Suggestion{{Command: "fal short"}}
	if diff := cmp.Diff(want, d.Suggest(t.Context(), []string{"shrot"})); diff != "" {
		t.Error(diff)
	}
}
