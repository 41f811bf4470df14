//go:build unix

package dispatch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fal-plugins/fal/plugins/dispatch"
	"github.com/fal-plugins/fal/plugins/internal/installed"
)

func TestList(t *testing.T) {
	const script = "#!/bin/sh\n"
	tests := []struct {
		name    string
		prepare func(t *testing.T, root string)
		want    []installed.Plugin
	}{
		{"nothing", func(*testing.T, string) {}, nil},
		{"sorted by name, other files left out", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "a", "fal-z"), script)
			write(t, filepath.Join(root, "b", "fal-c_d"), script)
			write(t, filepath.Join(root, "own", "fal-a"), script)
			write(t, filepath.Join(root, "a", "fal.txt"), script)
			write(t, filepath.Join(root, "a", "fal-"), script)
			write(t, filepath.Join(root, "a", "falx-y"), script)
			write(t, filepath.Join(root, "a", "fal-folder", "file"), script)
		}, []installed.Plugin{
			{Name: "a", Path: "own/fal-a", Active: true},
			{Name: "c_d", Path: "b/fal-c_d", Active: true},
			{Name: "z", Path: "a/fal-z", Active: true},
		}},
		{"shadowed", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "a", "fal-x"), script)
			write(t, filepath.Join(root, "b", "fal-x"), script)
			write(t, filepath.Join(root, "own", "fal-x"), script)
		}, []installed.Plugin{
			{Name: "x", Path: "a/fal-x", Active: true},
			{Name: "x", Path: "b/fal-x", Warnings: []string{"shadowed by ROOT/a/fal-x"}},
			{Name: "x", Path: "own/fal-x", Warnings: []string{"shadowed by ROOT/a/fal-x"}},
		}},
		{"the same file", func(t *testing.T, root string) {
			path := write(t, filepath.Join(root, "a", "fal-x"), script)
			link(t, path, filepath.Join(root, "b", "fal-x"))
		}, []installed.Plugin{{Name: "x", Path: "a/fal-x", Active: true}}},
		{"the same folder", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "a", "fal-x"), script)
			link(t, filepath.Join(root, "a"), filepath.Join(root, "b"))
		}, []installed.Plugin{{Name: "x", Path: "a/fal-x", Active: true}}},
		{"not executable", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "a", "fal-x"), script, 0o644)
			write(t, filepath.Join(root, "b", "fal-x"), script)
		}, []installed.Plugin{
			{Name: "x", Path: "a/fal-x", Warnings: []string{"not executable"}},
			{Name: "x", Path: "b/fal-x", Active: true},
		}},
		{"broken link", func(t *testing.T, root string) {
			link(t, filepath.Join(root, "gone"), filepath.Join(root, "a", "fal-x"))
		}, []installed.Plugin{{Name: "x", Path: "a/fal-x", Warnings: []string{"a link to a file that does not exist"}}}},
		{"broken interpreters", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "a", "fal-a"), "#!/nowhere/python9\n")
			write(t, filepath.Join(root, "a", "fal-b"), "#!/usr/bin/env nothing-of-this-name\n")
			write(t, filepath.Join(root, "a", "fal-c"), "#!/usr/bin/env -S X=1 nothing-of-this-name -u\n")
			write(t, filepath.Join(root, "a", "fal-d"), "#!/usr/bin/env -i nothing-of-this-name\n")
			write(t, filepath.Join(root, "a", "fal-e"), "#! /bin/sh -e\n")
			write(t, filepath.Join(root, "a", "fal-f"), "#!bin/sh\n")
			write(t, filepath.Join(root, "a", "fal-g"), "#!\n")
			write(t, filepath.Join(root, "a", "fal-h"), "")
		}, []installed.Plugin{
			{Name: "a", Path: "a/fal-a", Active: true, Warnings: []string{"its interpreter /nowhere/python9 does not exist"}},
			{Name: "b", Path: "a/fal-b", Active: true, Warnings: []string{"its interpreter nothing-of-this-name is not on PATH"}},
			{Name: "c", Path: "a/fal-c", Active: true, Warnings: []string{"its interpreter nothing-of-this-name is not on PATH"}},
			{Name: "d", Path: "a/fal-d", Active: true},
			{Name: "e", Path: "a/fal-e", Active: true},
			{Name: "f", Path: "a/fal-f", Active: true, Warnings: []string{"its interpreter bin/sh is not an absolute path"}},
			{Name: "g", Path: "a/fal-g", Active: true, Warnings: []string{"its first line names no interpreter"}},
			{Name: "h", Path: "a/fal-h", Active: true},
		}},
		{"hidden", func(t *testing.T, root string) {
			for _, name := range []string{"help", "plugins", "env", "environments", "team", "a b", "-x", "__y", "help-me"} {
				write(t, filepath.Join(root, "a", "fal-"+name), script)
			}
		}, []installed.Plugin{
			{Name: "-x", Path: "a/fal--x", Warnings: []string{"no command runs it: its name is not a word"}},
			{Name: "__y", Path: "a/fal-__y", Warnings: []string{"hidden by the built-in command `fal __y`"}},
			{Name: "a b", Path: "a/fal-a b", Warnings: []string{"no command runs it: its name is not a word"}},
			{Name: "env", Path: "a/fal-env", Warnings: []string{"hidden by `fal environments`, of which `env` is an alias"}},
			{Name: "environments", Path: "a/fal-environments", Active: true},
			{Name: "help", Path: "a/fal-help", Warnings: []string{"hidden by the built-in command `fal help`"}},
			{Name: "help-me", Path: "a/fal-help-me", Active: true},
			{Name: "plugins", Path: "a/fal-plugins", Warnings: []string{"hidden by the built-in command `fal plugins`"}},
			{Name: "team", Path: "a/fal-team", Active: true},
		}},
		{"in place of another", func(t *testing.T, root string) {
			write(t, filepath.Join(root, "a", "fal-runners-top"), script)
			write(t, filepath.Join(root, "a", "fal-run-fast"), script)
		}, []installed.Plugin{
			{Name: "run-fast", Path: "a/fal-run-fast", Active: true},
			{Name: "runners-top", Path: "a/fal-runners-top", Active: true, Warnings: []string{"answers `fal runners top` in place of fal-runners"}},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := realTempDir(t)
			test.prepare(t, root)
			d := dispatcher(t, root, "a", "missing", "b")
			listing, err := d.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i, plugin := range listing.Plugins {
				if match, err := d.Lookup([]string{plugin.Name}); plugin.Active && (err != nil || match.Path != plugin.Path) {
					t.Errorf("%s is active, but the name leads to %s, %v", plugin.Path, match.Path, err)
				}
				listing.Plugins[i].Path = below(root, plugin.Path)
				for j, warning := range plugin.Warnings {
					plugin.Warnings[j] = strings.ReplaceAll(warning, root, "ROOT")
				}
			}
			if diff := cmp.Diff(test.want, listing.Plugins, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if len(listing.Warnings) > 0 {
				t.Errorf("warnings %q", listing.Warnings)
			}
		})
	}
}

func TestListWarnsOfThePath(t *testing.T) {
	root := realTempDir(t)
	env := environment(t, root)
	file := write(t, filepath.Join(root, "file"), "")
	other := write(t, filepath.Join(root, "venv", "fal"), "")
	env.Path = strings.Join([]string{"", ".", "bin", file, filepath.Dir(other), filepath.Join(root, "own"), ".", ""}, ":")
	listing, err := dispatch.New(env, nil).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`the entry "" of PATH is not used: it is empty, which means the current folder`,
		`the entry "." of PATH is not used: it is the current folder`,
		`the entry "bin" of PATH is not used: it is relative to the current folder`,
		"`fal` runs " + other + ", which comes before " + env.Self + " on PATH",
	}
	if diff := cmp.Diff(want, listing.Warnings); diff != "" {
		t.Error(diff)
	}
}

// TestListReadsVersions lists a program built from this module, which is
// never run: it would not be found among the results of scripts.
func TestListReadsVersions(t *testing.T) {
	root := realTempDir(t)
	buildFal(t, filepath.Join(root, "own"))
	content, err := os.ReadFile(filepath.Join(root, "own", "fal"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "a", "fal-runners"), string(content))
	ran := filepath.Join(root, "ran")
	write(t, filepath.Join(root, "a", "fal-apps"), "#!/bin/sh\ntouch "+ran+"\n")
	listing, err := dispatcher(t, root, "a").List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(listing.Plugins) != 2 {
		t.Fatalf("got %+v", listing.Plugins)
	}
	if apps := listing.Plugins[0]; apps.Own || apps.Description != "" || apps.Version != "" {
		t.Errorf("a script: %+v", apps)
	}
	noun, _ := installed.FindNoun("runners")
	if runners := listing.Plugins[1]; !runners.Own || runners.Description != noun.Description {
		t.Errorf("a program of this project: %+v", runners)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a plugin was run")
	}
}

func TestListEndsWithItsContext(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "a", "fal-x"), "")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dispatcher(t, root, "a").List(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
