package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const module = "github.com/fal-plugins/fal"

// build builds the named programs for one system into dir. Only what is given
// here and the Go release decide on the bytes.
func (r release) build(ctx context.Context, s system, dir string, names []string) error {
	ldflags := r.ldflags + " -X " + module + "/plugins/internal/version.stamp=fal-version<" + r.version + ">"
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", r.tags, "-ldflags", ldflags, "-o", dir + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "./cmd/"+name)
	}
	return run(ctx, r.tree, fixed("GOOS="+s.os, "GOARCH="+s.arch), "go", args...)
}

// buildManual writes the manual pages of every program, which name the version
// and the date of the release.
func (r release) buildManual(ctx context.Context, dir string) error {
	return run(ctx, r.tree, fixed("GOOS=", "GOARCH="), "go", "run", "-tags", r.tags, "./cmd/internal/man",
		"-version", r.version, "-date", r.when.Format(time.RFC3339), dir)
}

// fixed is the environment without what would make Go build something else,
// with more variables.
func fixed(more ...string) []string {
	env := append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off",
		"GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off")
	return append(env, more...)
}

// run runs a program in dir; what it prints is part of the error.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, out)
	}
	return nil
}
