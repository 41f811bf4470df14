package installed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnnounced(t *testing.T) {
	both := Announcement{Complete: true, Describe: true}
	far := strings.Repeat("#\n", announceHead)
	for content, want := range map[string]Announcement{
		"#!/bin/sh\n# fal-plugin: complete describe\n":       both,
		"#!/usr/bin/env node\n// fal-plugin: describe later": {Describe: true},
		"#!/bin/sh\n\t# fal-plugin:complete\r\n":             {Complete: true},
		"#!/bin/sh\nfal-plugin: complete\n":                  {},
		"#!/bin/sh\necho '# fal-plugin: complete'\n":         {},
		"#!/bin/sh\n# fal-plugin:\n":                         {},
		"#!/bin/sh\n" + far + "# fal-plugin: complete\n":     {},
		"":                                  {},
		"# fal-plugin: complete describe\n": {},
		"\x7fELF\x00fal-plugin<\x00fal-plugin<complete describe>\x00": both,
		"\x7fELF" + far + "fal-plugin<describe>":                      {Describe: true},
		"\x7fELF fal-plugin<" + far + "complete>":                     {},
	} {
		path := filepath.Join(t.TempDir(), "fal-x")
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := Announced(path); got != want {
			t.Errorf("%.60q announces %+v, want %+v", content, got, want)
		}
	}
	if got := Announced(filepath.Join(t.TempDir(), "missing")); got != (Announcement{}) {
		t.Errorf("a missing file announces %+v", got)
	}
	// Not even the programs that look for announcements make any by that.
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if got := Announced(goTool); got != (Announcement{}) {
		t.Errorf("go announces %+v", got)
	}
}
