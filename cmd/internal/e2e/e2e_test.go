//go:build unix

// Package e2e runs the real programs in terminal sessions, against a control
// plane on this machine. The sessions are the scripts in testdata/script and
// the examples of README.md.
package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// programs is the folder of the binaries under test.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fal-e2e")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", dir, "./cmd/fal", "./cmd/fal-runners", "./cmd/fal-apps", "./cmd/fal-deploy", "./cmd/fal-keys", "./cmd/fal-environments", "./cmd/fal-secrets", "./cmd/fal-account", "./cmd/fal-auth", "./cmd/fal-profile", "./cmd/fal-doctor", "./cmd/fal-local")
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

// helloApp is the program of the app that the demo deploys, in a folder of its
// own: it is none of ours.
var helloApp = sync.OnceValues(func() (string, error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	path := filepath.Join(bin, "demo", "hello")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/internal/demo/hello")
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	testscript.Main(cleaned{m}, map[string]func(){"ptyrun": ptyrun, "httpget": httpget})
}

// heedSignals makes the programs under test independent of who started the
// tests: nohup, and a shell that puts a job into the background, leave signals
// ignored for all that they start.
func heedSignals() {
	heard := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if signal.Ignored(sig) {
			signal.Notify(heard, sig)
		}
	}
}

// cleaned removes the programs when the tests have run.
type cleaned struct{ m *testing.M }

func (c cleaned) Run() int {
	heedSignals()
	defer func() {
		if dir, _ := programs(); dir != "" {
			os.RemoveAll(dir)
		}
	}()
	return c.m.Run()
}

func TestScripts(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setUp(env, bin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"controlplane": cmdControlPlane,
			"code":         cmdCode,
			"await":        cmdAwait,
			"setfrom":      cmdSetFrom,
			"nosecret":     cmdNoSecret,
			"interrupt":    cmdInterrupt,
			"noprocess":    cmdNoProcess,
			"loggedin":     cmdLoggedIn,
			"decide":       cmdDecide,
		},
	})
}

// setUp gives a script a home of its own and nothing of the user's.
func setUp(env *testscript.Env, bin string) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("BIN", bin)
	app, err := helloApp()
	if err != nil {
		return err
	}
	env.Setenv("HELLO", app)
	commands, _, _ := strings.Cut(env.Getenv("PATH"), string(os.PathListSeparator)) // of testscript
	env.Setenv("PATH", strings.Join([]string{bin, commands, "/usr/local/bin", "/usr/bin", "/bin"}, string(os.PathListSeparator)))
	env.Setenv("TERM", "xterm-256color")
	env.Defer(func() {
		stop := exec.Command(filepath.Join(bin, "fal-local"), "stop")
		stop.Env = []string{"HOME=" + home}
		_ = stop.Run() // most scripts have started none
	})
	return nil
}

// cmdControlPlane starts a control plane and points the script's environment
// to it: controlplane [flags of start]. The port is the script's own: at one of
// the usual ports another script's control plane could answer once this one has
// stopped.
func cmdControlPlane(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("controlplane can not be negated")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(free.Addr().String())
	ts.Check(errors.Join(err, free.Close()))
	ts.Check(ts.Exec("fal-local", append([]string{"start", "--port", port}, args...)...))
	ts.Check(ts.Exec("fal-local", "env"))
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if ok {
			ts.Setenv(name, strings.Trim(value, "'"))
		}
	}
}

// cmdCode runs a program and holds its exit code against the first argument:
// code 2 fal runners list.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code CODE PROGRAM [ARGUMENTS]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// patience bounds waits for what happens soon on an idle machine.
const patience = 60 * time.Second

// cmdAwait repeats a command until its standard output holds a text:
// await TEXT PROGRAM [ARGUMENTS]. With ! until it does not.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: await TEXT PROGRAM [ARGUMENTS]")
	}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) != neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("waited in vain for %q", args[0])
		}
	}
}

// cmdSetFrom sets a variable to the last standard output: setfrom NAME [LINE].
func cmdSetFrom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: setfrom NAME [LINE]")
	}
	lines := strings.Split(strings.TrimRight(ts.ReadFile("stdout"), "\n"), "\n")
	n := 1
	if len(args) > 1 {
		if _, err := fmt.Sscan(args[1], &n); err != nil || n < 1 || n > len(lines) {
			ts.Fatalf("no line %s in %d lines", args[1], len(lines))
		}
	}
	ts.Setenv(args[0], lines[n-1])
}

// cmdNoSecret fails when the secret of FAL_KEY stands in the last output.
func cmdNoSecret(ts *testscript.TestScript, _ bool, _ []string) {
	_, secret, ok := strings.Cut(ts.Getenv("FAL_KEY"), ":")
	if !ok {
		ts.Fatalf("FAL_KEY is not set")
	}
	if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), secret) {
		ts.Fatalf("the secret was printed")
	}
}

// cmdInterrupt starts a program, sends it SIGINT once a file exists or after a
// moment, and holds its exit code against 130: interrupt PROGRAM [ARGUMENTS].
func cmdInterrupt(ts *testscript.TestScript, _ bool, args []string) {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, args[0])); err == nil {
			path = filepath.Join(dir, args[0])
			break
		}
	}
	cmd := exec.Command(path, args[1:]...)
	for _, name := range []string{"HOME", "PATH", "FAL_KEY", "FAL_HOST", "FAL_GRPC_HOST", "FAL_REST_HOST", "ISOLATE_TEST_MODE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var errout strings.Builder
	cmd.Stderr = &errout
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// A signal before the handler is there kills the process, whose code is
	// then -1; so it is sent once the program waits for the network.
	ts.Check(waitForConnection(cmd.Process.Pid))
	ts.Check(cmd.Process.Signal(os.Interrupt))
	select {
	case <-ended:
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		ts.Fatalf("goes on after SIGINT")
	}
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		ts.Fatalf("exit code %d, want 130: %s", code, errout.String())
	}
	if strings.Contains(errout.String(), "goroutine") {
		ts.Fatalf("a stack trace: %s", errout.String())
	}
}

// cmdNoProcess fails when a process names the script's folder.
func cmdNoProcess(ts *testscript.TestScript, _ bool, _ []string) {
	if runtime.GOOS != "linux" {
		return
	}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		left := processesNaming(ts.Getenv("HOME"))
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("left running: %q", left)
		}
	}
}

func processesNaming(text string) []string {
	var left []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		dir := filepath.Dir(f)
		environ, _ := os.ReadFile(f)
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if filepath.Base(dir) != fmt.Sprint(os.Getpid()) && strings.Contains(string(environ)+string(cmdline), text) {
			left = append(left, strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return left
}

func waitForConnection(pid int) error {
	if runtime.GOOS != "linux" {
		time.Sleep(time.Second)
		return nil
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			if to, _ := os.Readlink(fd); strings.HasPrefix(to, "socket:") {
				return nil
			}
		}
	}
	return fmt.Errorf("process %d opened no connection", pid)
}
