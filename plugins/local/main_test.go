package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

// binaryVariable names the program under test, which is built once.
const binaryVariable = "FAL_LOCAL_TEST_BINARY"

func TestMain(m *testing.M) {
	signaltest.Heed()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fal-local-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// A user without rights has to be able to execute it.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	name := filepath.Join(dir, "fal-local")
	if goruntime.GOOS == "windows" {
		name += ".exe"
	}
	build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", name, "github.com/fal-plugins/fal/cmd/fal-local")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binaryVariable, name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// deadline bounds what has to happen. It is never reached when all is well.
const deadline = 90 * time.Second

// bench is a user's machine: a home, and a copy of the program of its own, so
// that its processes can be told from all others.
type bench struct {
	t    *testing.T
	exe  string
	home string
	env  []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	root := t.TempDir()
	b := &bench{t: t, exe: filepath.Join(root, "bin", filepath.Base(os.Getenv(binaryVariable))), home: filepath.Join(root, "home")}
	for _, dir := range []string{filepath.Dir(b.exe), b.home} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(os.Getenv(binaryVariable), b.exe); err != nil {
		data, err := os.ReadFile(os.Getenv(binaryVariable))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(b.exe, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.env = []string{"HOME=" + b.home, "USERPROFILE=" + b.home, "PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}
	for _, name := range []string{"SystemRoot", "TMPDIR", "TMP", "TEMP"} {
		if v := os.Getenv(name); v != "" {
			b.env = append(b.env, name+"="+v)
		}
	}
	t.Cleanup(b.leave)
	return b
}

// leave ends what a failed test left, and sees that nothing stays.
func (b *bench) leave() {
	if b.t.Failed() {
		for _, pid := range b.processes() {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill() // it may have ended
			}
		}
	}
	b.gone()
	if b.t.Failed() {
		if log, err := os.ReadFile(filepath.Join(b.data(), logName)); err == nil {
			b.t.Logf("server.log:\n%s", log)
		}
	}
}

func (b *bench) data() string { return filepath.Join(b.home, ".fal", "local") }

// processes are all that run the bench's copy of the program.
func (b *bench) processes() []int {
	b.t.Helper()
	pids, err := processesOf(b.exe)
	if err != nil {
		b.t.Fatal(err)
	}
	return pids
}

// gone fails the test unless every process ends.
func (b *bench) gone() {
	b.t.Helper()
	var left []int
	eventually(b.t, func() error {
		if left = b.processes(); len(left) > 0 {
			return fmt.Errorf("processes %v are left", left)
		}
		return nil
	})
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	end := time.Now().Add(deadline)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// result is how a command ended.
type result struct {
	t              *testing.T
	line           string
	stdout, stderr string
	code           int
}

func (b *bench) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(b.exe, args...)
	cmd.Env = append(slices.Clone(b.env), env...)
	cmd.Dir = b.home
	return cmd
}

func (b *bench) run(args ...string) result {
	b.t.Helper()
	return b.runEnv(nil, args...)
}

func (b *bench) runEnv(env []string, args ...string) result {
	b.t.Helper()
	return b.finish(b.command(env, args...))
}

func (b *bench) finish(cmd *exec.Cmd) result {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	timer := time.AfterFunc(2*deadline, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return result{b.t, strings.Join(cmd.Args[1:], " "), stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func (r result) ok() result {
	r.t.Helper()
	return r.exits(0)
}

func (r result) exits(code int) result {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("%s: exit %d, want %d\nstdout: %s\nstderr: %s", r.line, r.code, code, r.stdout, r.stderr)
	}
	return r
}

func (r result) prints(stdout string) result {
	r.t.Helper()
	if r.stdout != stdout {
		r.t.Fatalf("%s: stdout %q, want %q", r.line, r.stdout, stdout)
	}
	return r
}

func (r result) says(part string) result {
	r.t.Helper()
	if !strings.Contains(r.stderr, part) {
		r.t.Fatalf("%s: stderr lacks %q:\n%s", r.line, part, r.stderr)
	}
	return r
}

func (r result) decode(into any) {
	r.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(r.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		r.t.Fatalf("%s: %v in %s", r.line, err, r.stdout)
	}
	if decoder.More() || strings.Count(r.stdout, "\n") != 1 {
		r.t.Fatalf("%s: more than one line of JSON: %s", r.line, r.stdout)
	}
}

// status is what the program says; it must be running.
func (b *bench) status(flags ...string) Status {
	b.t.Helper()
	var s Status
	b.run(append([]string{"status"}, flags...)...).ok().decode(&s)
	return s
}

// start starts and returns the status.
func (b *bench) start(flags ...string) Status {
	b.t.Helper()
	b.run(append([]string{"start"}, flags...)...).ok()
	return b.status()
}

func (b *bench) stop() {
	b.t.Helper()
	b.run("stop").ok().prints("stopped\n")
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}
