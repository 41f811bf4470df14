//go:build unix

package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Python prints last stands before what is said of its end, though the line
// has none.
func TestLastWordsOfPython(t *testing.T) {
	tm := newTerm(t)
	tm.write("app.py", "")
	python := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(python, []byte("#!/bin/sh\nprintf half >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tm.env["FAL_PYTHON"] = python
	r := tm.run("app.py")
	if r.code != 1 || !strings.HasPrefix(r.err, "loading app.py\nhalf\nloading app.py ended after 0.0s\n") {
		t.Errorf("%+v", r)
	}
	// The one file of the folder is named, though nobody did so.
	if r := tm.run(); !strings.HasPrefix(r.err, "loading app.py\nhalf\nloading app.py ended after 0.0s\n") {
		t.Errorf("%+v", r)
	}
	if got := tm.object(tm.run("--json")); got["app_name"] != "" || got["status"] != "failed" {
		t.Errorf("%v", got)
	}
}
