//go:build unix

package dispatch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func TestTryEverything(t *testing.T) {
	cli.TryEverything(t, func() *cli.App { return app(New(Environment{}, installed.Builtins())) })
}

func TestPluginListSorts(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"fal-a", "fal-b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for argv, want := range map[string]string{
		"plugin list -o name":                  "a\nb\n",
		"plugins ls -o name --sort name:desc":  "b\na\n",
		"plugin list --sort path:desc -o name": "b\na\n",
	} {
		streams, _, out, errout := iostreams.Test()
		d := New(Environment{Path: dir}, installed.Builtins())
		code := cli.Run(t.Context(), app(d), cli.Process{Args: strings.Fields(argv), Streams: streams, Getenv: func(string) string { return "" }})
		if code != 0 || out.String() != want {
			t.Errorf("%s: exit %d, %q, %q", argv, code, out, errout)
		}
	}
}
