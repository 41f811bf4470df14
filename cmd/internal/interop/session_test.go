//go:build interop && unix

package interop

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The deadlines are for hangs, not for speed: a busy machine must pass.
const (
	commandTimeout = 2 * time.Minute
	settleTimeout  = 2 * time.Minute
	pollInterval   = 100 * time.Millisecond
)

func official(t *testing.T) string {
	t.Helper()
	path, err := SourceFrom(os.Getenv).Official(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// build compiles commands of this module and returns the folder they are in.
func build(t *testing.T, names ...string) string {
	t.Helper()
	gomod, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "./cmd/"+name)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(gomod)))
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Fatalf("building %s: %v", strings.Join(names, ", "), err)
	}
	return dir
}

// session is a user's shell in a fresh home: nothing of the test's environment
// reaches what runs in it but PATH and the folder for temporary files.
type session struct {
	home string
	env  []string
}

func newSession(t *testing.T, env ...string) session {
	t.Helper()
	home := t.TempDir()
	return session{home: home, env: append([]string{
		"HOME=" + home,
		"PATH=" + os.Getenv("PATH"),
		"TMPDIR=" + os.TempDir(),
		"LANG=C.UTF-8",
		// The official client sends the local wall clock as if it were UTC.
		"TZ=UTC",
		// It folds its tables, ids too, at the width that it believes in.
		"COLUMNS=400",
	}, env...)}
}

type result struct {
	code           int
	stdout, stderr string
}

func (s session) run(t *testing.T, argv ...string) result {
	t.Helper()
	return s.runFor(t, commandTimeout, argv...)
}

// runFor is run for a command that may take longer than others.
func (s session) runFor(t *testing.T, timeout time.Duration, argv ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	defer cancel()

	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = s.home, s.env
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A daemon that kept our pipes would otherwise keep Wait from returning.
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()

	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("%q did not end in %v\nstdout: %s\nstderr: %s", argv, timeout, &stdout, &stderr)
	case err != nil && !errors.As(err, &exit):
		t.Fatalf("%q: %v", argv, err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// succeed is run for a command that must exit 0.
func (s session) succeed(t *testing.T, argv ...string) result {
	t.Helper()
	r := s.run(t, argv...)
	if r.code != 0 {
		t.Fatalf("%q exited %d\nstdout: %s\nstderr: %s", argv, r.code, r.stdout, r.stderr)
	}
	return r
}

// eventually calls check until it returns "", which means that what was waited
// for has come; anything else is what is there instead.
func eventually(t *testing.T, what string, check func() string) {
	t.Helper()
	deadline := time.Now().Add(settleTimeout)
	for {
		instead := check()
		if instead == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; last: %s", what, settleTimeout, instead)
		}
		time.Sleep(pollInterval)
	}
}
