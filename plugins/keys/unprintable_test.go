package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// runTo is run with a file for stdout.
func (tm *term) runTo(out *os.File, argv ...string) (code int, errout string) {
	tm.T.Helper()
	file, err := os.Create(filepath.Join(tm.T.TempDir(), "err"))
	if err != nil {
		tm.T.Fatal(err)
	}
	defer file.Close()
	in, err := os.Open(os.DevNull)
	if err != nil {
		tm.T.Fatal(err)
	}
	defer in.Close()
	d := dependencies{connect: session.Open, now: time.Now}
	code = cli.Run(tm.T.Context(), app(d), cli.Process{Args: argv, Streams: iostreams.FromFiles(in, out, file), Getenv: tm.Getenv})
	text, err := os.ReadFile(file.Name())
	if err != nil {
		tm.T.Fatal(err)
	}
	return code, string(text)
}

// A key whose secret would be lost is not created.
func TestCreateForNobody(t *testing.T) {
	tm := newTerm(t)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // as the Go runtime has it for a closed descriptor
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code, errout := tm.runTo(null, "create")
	if code != 2 || !strings.Contains(errout, "nobody would get the secret of the key") || !strings.Contains(errout, "hint: no key was created\n") {
		t.Errorf("exit %d, %s", code, errout)
	}
	tm.WantRequests()
	if code, errout := tm.runTo(null, "create", "--save-profile", "ci"); code != 0 {
		t.Errorf("exit %d, %s", code, errout)
	}
}

// What was done is said, where it can be.
func TestDoneAndUnprintable(t *testing.T) {
	for argv, want := range map[string]string{
		"create --save-profile ci":        "; done all the same: saved API key " + idNew + " as profile ci\n",
		"create --save-profile ci --json": "; done all the same: saved API key " + idNew + ` as profile ci"`,
		"revoke " + idAdmin:               "; done all the same: revoked " + idAdmin + "\n",
		"revoke -o name " + idAdmin:       "; done all the same: revoked " + idAdmin + "\n",
	} {
		tm := newTerm(t)
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := os.Open(path) // for reading only
		if err != nil {
			t.Fatal(err)
		}
		code, errout := tm.runTo(out, strings.Fields(argv)...)
		if code != 1 || !strings.Contains(errout, "writing to standard output: ") || !strings.Contains(errout, want) {
			t.Errorf("%s: exit %d, %s", argv, code, errout)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An error about a key that was not printed is one line.
func TestUnprintableIsOneLine(t *testing.T) {
	tm := newTerm(t)
	tm.Stdout = brokenWriter{}
	if r := tm.Run("create"); strings.Count(r.Err, "\n") != 1 {
		t.Errorf("%q", r.Err)
	}
}
