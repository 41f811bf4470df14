//go:build unix

package build

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDockerfile has any text be carried out: it is built, or wrong, and nothing is
// written anywhere but in its own folder.
func FuzzDockerfile(f *testing.F) {
	for _, text := range []string{
		"FROM x\nCMD true",
		"ARG A=1\nFROM x:$A AS b\nWORKDIR /a/../..\nCOPY . ../../..\nFROM b\nCOPY --from=b / /\nCMD [\"true\"]",
		"FROM x\nCOPY <<EOF ../../escaped\nhi\nEOF\nADD f /f/g/\nENV A=${B:-c} PATH=/x:$PATH\nCMD exec true",
		"# escape=`\nFROM x\nSHELL [\"sh\"]\nENTRYPOINT a\nEXPOSE 1-2 99999999999",
		"FROM x\nADD --chmod=9 --exclude=**/* [\"f\", \"/d/\"]\nCMD true",
	} {
		f.Add(text)
	}
	w := newWorkshop(f)
	files := []File{w.file("f", "f", 0o644), w.file("d/g", "g", 0o600)}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: dockerfile(text), Files: files}, func(string, string) {})
		var failure *Failure
		if err != nil && !errors.As(err, &failure) {
			t.Errorf("the error is not one of the definition: %v", err)
		}
		if err := w.Prune(nil); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(w.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range left {
			switch entry.Name() {
			case "environments", "functions", "support", "results", temporary:
			default:
				t.Errorf("%s was written", filepath.Join(w.dir, entry.Name()))
			}
		}
	})
}

// FuzzTranslate has words of commands and variables be translated.
func FuzzTranslate(f *testing.F) {
	root := f.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "srv", "app"), 0o700); err != nil {
		f.Fatal(err)
	}
	for word, want := range map[string]string{
		"/srv":                          root + "/srv",
		"/srv/app/":                     root + "/srv/app/",
		"--dir=/srv/app":                "--dir=" + root + "/srv/app",
		"a:/srv/app:/none":              "a:" + root + "/srv/app:/none",
		"cd '/srv/app' && ls;":          "cd '" + root + "/srv/app' && ls;",
		"x/srv":                         "x/srv",
		"/":                             "/",
		"/srv/../srv/app":               root + "/srv/app",
		"":                              "",
		"http://h/srv":                  "http://h/srv",
		"http:/srv":                     "http:" + root + "/srv",
		"http:///srv":                   "http:///srv",
		"http://h?p=/srv&q=/srv/app":    "http://h?p=/srv&q=/srv/app",
		"curl http://h/;cat </srv":      "curl http://h/;cat <" + root + "/srv",
		"-d @/srv/app":                  "-d @" + root + "/srv/app",
		"x>/srv/app 2>&1&/srv|/srv/app": "x>" + root + "/srv/app 2>&1&" + root + "/srv|" + root + "/srv/app",
		"URL=file:///srv/app,/srv":      "URL=file://" + root + "/srv/app," + root + "/srv",
		"sqlite:////srv/app":            "sqlite:///" + root + "/srv/app",
		"sqlite:////none":               "sqlite:////none",
		"sqlite:///srv/app":             "sqlite:///srv/app",
		"postgresql+psycopg://u:p@/srv": "postgresql+psycopg://u:p@/srv",
		"git@h:/srv":                    "git@h:" + root + "/srv",
		"PATH=/srv:/srv/app://srv":      "PATH=" + root + "/srv:" + root + "/srv/app:" + root + "/srv",
	} {
		if got := translate(root, word); got != want {
			f.Errorf("%q became %q, want %q", word, got, want)
		}
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if got := translate(root+"/nothing", word); got != word {
			t.Errorf("%q became %q where nothing is", word, got)
		}
		firstProgram(word)
	})
}
