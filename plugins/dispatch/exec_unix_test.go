//go:build unix

package dispatch_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds what could otherwise hang.
const patience = 2 * time.Minute

// buildFal builds the small dispatcher of testdata into folders.
func buildFal(t *testing.T, folders ...string) {
	t.Helper()
	built := filepath.Join(t.TempDir(), "fal")
	output, err := exec.Command("go", "build", "-o", built, "./testdata/fal").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	content, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		write(t, filepath.Join(folder, "fal"), string(content))
	}
}

// falCommand is a command line for the dispatcher in root/own. The folders of
// PATH are below root, followed by those of the tools that scripts need.
func falCommand(t *testing.T, root string, folders []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, filepath.Join(root, "own", "fal"), args...)
	command.WaitDelay = patience
	path := []string{}
	for _, folder := range folders {
		path = append(path, filepath.Join(root, folder))
	}
	path = append(path, "/usr/bin", "/bin")
	command.Env = []string{"PATH=" + strings.Join(path, ":"), "HOME=" + root}
	return command
}

type result struct {
	stdout, stderr string
	code           int
}

func runFal(t *testing.T, root string, folders []string, args ...string) result {
	t.Helper()
	command := falCommand(t, root, folders, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

func TestExec(t *testing.T) {
	root := realTempDir(t)
	buildFal(t, filepath.Join(root, "own"))
	write(t, filepath.Join(root, "a", "fal-show"), `#!/bin/sh
echo "$0"; for arg; do echo "[$arg]"; done
`)
	write(t, filepath.Join(root, "a", "fal-form"), `#!/bin/sh
echo "$$ $FAL_INVOKED_AS"
`)
	write(t, filepath.Join(root, "a", "fal-code"), "#!/bin/sh\nexit $1\n")
	write(t, filepath.Join(root, "a", "fal-stdin"), "#!/bin/sh\ncat; echo err >&2\n")

	t.Run("arguments", func(t *testing.T) {
		got := runFal(t, root, []string{"a"}, "--profile", "dev", "show", "a b", "", "*", "--x", "--", "--profile")
		want := filepath.Join(root, "a", "fal-show") + "\n[--profile]\n[dev]\n[a b]\n[]\n[*]\n[--x]\n[--]\n[--profile]\n"
		if got.stdout != want {
			t.Errorf("got %q, want %q", got.stdout, want)
		}
	})
	t.Run("what was typed", func(t *testing.T) {
		got := runFal(t, root, []string{"a"}, "form")
		pid, rest, _ := strings.Cut(got.stdout, " ")
		if want := pid + " fal-form fal form\n"; rest != want {
			t.Errorf("got %q, want %q", rest, want)
		}
	})
	t.Run("exit code", func(t *testing.T) {
		for _, code := range []int{0, 1, 3, 42, 127, 255} {
			if got := runFal(t, root, []string{"a"}, "code", strconv.Itoa(code)); got.code != code {
				t.Errorf("got %d, want %d", got.code, code)
			}
		}
	})
	t.Run("streams", func(t *testing.T) {
		command := falCommand(t, root, []string{"a"}, "stdin")
		command.Stdin = strings.NewReader("in")
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Run(); err != nil {
			t.Fatal(err)
		}
		if stdout.String() != "in" || stderr.String() != "err\n" {
			t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
		}
	})
}

func TestExecKeepsTheProcess(t *testing.T) {
	root := realTempDir(t)
	buildFal(t, filepath.Join(root, "own"))
	write(t, filepath.Join(root, "a", "fal-wait"), `#!/bin/sh
trap 'echo terminated; exit 7' TERM
echo "$$"
while :; do sleep 0.01; done
`)
	write(t, filepath.Join(root, "a", "fal-die"), "#!/bin/sh\nkill -9 $$\n")

	command := falCommand(t, root, []string{"a"}, "wait")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != strconv.Itoa(command.Process.Pid) {
		t.Errorf("the plugin has the process id %s, the dispatcher had %d", lines.Text(), command.Process.Pid)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "terminated" {
		t.Errorf("the plugin said %q about the signal", lines.Text())
	}
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit code %d, want 7", code)
	}

	command = falCommand(t, root, []string{"a"}, "die")
	_ = command.Run()
	if status := command.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("a plugin that died by SIGKILL left %v", command.ProcessState)
	}
}

func TestExecFailures(t *testing.T) {
	root := realTempDir(t)
	buildFal(t, filepath.Join(root, "own"))
	tests := []struct {
		name, content string
		stderr        []string
	}{
		{"interpreter missing", "#!/nowhere/python9 -u\n", []string{"its interpreter /nowhere/python9 does not exist", "hint: its first line is #!/nowhere/python9"}},
		{"carriage return", "#!/bin/sh\r\necho\r\n", []string{`its interpreter "/bin/sh\r" does not exist`, "hint: its lines end in CR LF"}},
		{"interpreter not executable", "#! " + write(t, filepath.Join(root, "plain"), "", 0o644) + "\n", []string{"may not be executed"}},
		{"no first line", "echo hello\n", []string{"it is neither a script that begins with #! nor a program for", "hint: if it is a shell script, make #!/bin/sh its first line"}},
		{"empty", "", []string{"it is neither a script"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, filepath.Join(root, "a", "fal-bad"), test.content)
			got := runFal(t, root, []string{"a"}, "bad")
			if got.code != 127 || got.stdout != "" {
				t.Errorf("exit code %d, stdout %q", got.code, got.stdout)
			}
			for _, want := range append(test.stderr, "fal: error: cannot run "+path+": ") {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, got.stderr)
				}
			}
		})
	}
}

func TestExecHandsOver(t *testing.T) {
	root := realTempDir(t)
	own := filepath.Join(root, "own", "fal")
	buildFal(t, filepath.Join(root, "own"), filepath.Join(root, "second"))
	said := "#!/bin/sh\necho official \"$@\"; echo \"$FAL_INVOKED_AS\"\n"
	client := write(t, filepath.Join(root, "venv", "fal"), said)

	got := runFal(t, root, []string{"own", "venv"}, "run", "x.py", "--flag")
	if got.stdout != "official run x.py --flag\n\n" || got.stderr != "" || got.code != 0 {
		t.Errorf("got %+v", got)
	}
	got = runFal(t, root, []string{"own", "venv"}, "-v", "run", "x.py")
	if got.stdout != "official run x.py\n\n" || !strings.Contains(got.stderr, "handing the command to "+client) {
		t.Errorf("got %+v", got)
	}
	got = runFal(t, root, []string{"own", "venv"}, "runn", "x.py")
	if got.stdout != "" || got.code != 127 || !strings.Contains(got.stderr, "did you mean `fal run`?") {
		t.Errorf("got %+v", got)
	}
	got = runFal(t, root, []string{"own", "second", "venv"}, "run", "x.py")
	if got.stdout != "official run x.py\n\n" || got.code != 0 {
		t.Errorf("through a second dispatcher: got %+v", got)
	}

	circles := map[string]string{
		"same process":  "#!/bin/sh\necho round >>" + root + "/rounds\nexec " + own + " \"$@\"\n",
		"child":         "#!/bin/sh\necho round >>" + root + "/rounds\n" + own + " \"$@\"\n",
		"new arguments": "#!/bin/sh\necho round >>" + root + "/rounds\n" + own + " \"$@\" again\n",
		"by name":       "#!/bin/sh\necho round >>" + root + "/rounds\nPATH=" + root + "/second:$PATH fal \"$@\"\n",
	}
	for name, script := range circles {
		t.Run(name, func(t *testing.T) {
			write(t, filepath.Join(root, "shim", "fal"), script)
			rounds := filepath.Join(root, "rounds")
			if err := os.WriteFile(rounds, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			got := runFal(t, root, []string{"own", "shim"}, "run", "x.py")
			if got.code != 127 || !strings.Contains(got.stderr, "handed the command back") {
				t.Errorf("got %+v", got)
			}
			log, err := os.ReadFile(rounds)
			if err != nil {
				t.Fatal(err)
			}
			if count := bytes.Count(log, []byte("round")); count < 1 || count > 8 {
				t.Errorf("ended after %d rounds", count)
			}
		})
	}
	// A wrapper that finds nothing but us does not hide the client behind it.
	write(t, filepath.Join(root, "shim", "fal"), circles["child"])
	got = runFal(t, root, []string{"own", "shim", "venv"}, "run", "x.py")
	if got.stdout != "official run x.py\n\n" || got.code != 0 {
		t.Errorf("behind a wrapper: got %+v", got)
	}
}

// TestExecReadsNoFolder runs a command through folders that this user may
// pass through and not read.
func TestExecReadsNoFolder(t *testing.T) {
	root := realTempDir(t)
	buildFal(t, filepath.Join(root, "own"))
	write(t, filepath.Join(root, "a", "fal-other"), "#!/bin/sh\necho other\n")
	write(t, filepath.Join(root, "b", "fal-x"), "#!/bin/sh\necho found\n")
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"own", "a", "b"} {
		path := filepath.Join(root, folder)
		if err := os.Chmod(path, 0o311); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, 0o755) })
	}
	command := falCommand(t, root, []string{"a", "b"}, "x", "y", "z")
	command.Dir = "/"
	if os.Getuid() == 0 {
		// Root may read every folder.
		const nobody = 65534
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	output, err := command.CombinedOutput()
	if err != nil || string(output) != "found\n" {
		t.Errorf("got %q, %v", output, err)
	}
}
