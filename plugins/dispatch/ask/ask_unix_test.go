//go:build unix

package ask_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/plugins/dispatch/ask"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func script(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fal-x")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+content), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	for content, want := range map[string]string{
		`printf '%s|' "$@" "$X"`:                    "a|b c|1|",
		`cat; echo out; echo err >&2`:               "out\n",
		`(exec </dev/tty) 2>/dev/null || echo none`: "none\n",
	} {
		got, err := ask.Run(t.Context(), script(t, content), []string{"a", "b c"}, []string{"X=1", "PATH=/usr/bin:/bin"})
		if got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", content, got, err, want)
		}
	}
	for _, content := range []string{"exit 3", "yes"} {
		if got, err := ask.Run(t.Context(), script(t, content), nil, []string{"PATH=/usr/bin:/bin"}); err == nil {
			t.Errorf("%s: %.20q", content, got)
		}
	}
	if _, err := ask.Run(t.Context(), "/nowhere/fal-x", nil, nil); err == nil {
		t.Error("a missing program answers")
	}
}

// A program that hangs is left, and what it has started ends with it.
func TestRunEnds(t *testing.T) {
	dir := t.TempDir()
	noted := filepath.Join(dir, "started")
	ctx, cancel := context.WithCancel(t.Context())
	path := script(t, "sleep 1000 & echo $! >"+noted+"; wait\n")
	go func() {
		for {
			if content, err := os.ReadFile(noted); err == nil && strings.HasSuffix(string(content), "\n") {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if _, err := ask.Run(ctx, path, nil, []string{"PATH=/usr/bin:/bin"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	pid, err := os.ReadFile(noted)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		status, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/status")
		if err != nil || strings.Contains(string(status), "Z (zombie)") {
			return
		}
	}
	t.Error("what the program started goes on")
}
