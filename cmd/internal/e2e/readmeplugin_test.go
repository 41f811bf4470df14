//go:build unix

package e2e

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fenced is the text of the README between a line and the next ```.
func fenced(t *testing.T, first string) string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "\n"+first+"\n")
	block, _, ok := strings.Cut(block, "\n```\n")
	if !ok {
		t.Fatalf("the README has no block that begins with %q", first)
	}
	return block + "\n"
}

// TestReadmePlugin installs the plugin that the README shows, and does with it
// what stands below it.
func TestReadmePlugin(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	home, plugins := t.TempDir(), t.TempDir()
	plugin := "#!/bin/sh\n" + fenced(t, "```sh\n#!/bin/sh")
	if err := os.WriteFile(filepath.Join(plugins, "fal-count"), []byte(plugin), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + home, "PATH=" + plugins + ":" + bin + ":/usr/local/bin:/usr/bin:/bin"}
	run := func(line string) string {
		t.Helper()
		cmd := exec.Command("sh", "-c", line)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err := errors.Join(err, free.Close()); err != nil {
		t.Fatal(err)
	}
	run("fal local start --sample --port " + port)
	t.Cleanup(func() { run("fal local stop") })
	var shown strings.Builder
	for line := range strings.Lines(fenced(t, "```console plugin")) {
		command, is := strings.CutPrefix(line, "$ ")
		if !is {
			continue
		}
		shown.WriteString(line)
		shown.WriteString(run(`eval "$(fal local env)"; ` + command))
	}
	if got, want := normal(shown.String()), normal(fenced(t, "```console plugin")); got != want {
		t.Errorf("the README's plugin prints\n%s\nand not\n%s", got, want)
	}
}
