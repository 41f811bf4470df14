//go:build unix

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// fileFolder makes the current folder one with files of awkward names.
func fileFolder(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", filepath.Join(dir, "home"))
	t.Setenv("PLACE", filepath.Join(dir, "my dir"))
	for _, path := range []string{"my dir/app one.toml", "my dir/new\nline.py", "my dir/.hidden", "my dir/sub/x", "home/hd/x.py", "a.toml", "$(touch x)/y.py", "~/z.py", "tab\tname"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// answer is what one question is told, with | between the values.
func answer(t *testing.T, args ...string) string {
	t.Helper()
	streams, _, out, _ := iostreams.Test()
	Run(t.Context(), completionApp(), Process{Args: append([]string{CompleteWord}, args...), Streams: streams, Getenv: func(string) string { return "" }})
	end := "\n"
	if slices.Contains(args, "--null") {
		end = "\x00"
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), end), end)
	for i, l := range lines {
		lines[i], _, _ = strings.Cut(l, "\t")
	}
	slices.Sort(lines)
	return strings.Join(lines, "|")
}

func TestFilesInFish(t *testing.T) {
	fileFolder(t)
	for typed, want := range map[string]string{
		``:                          ":none|a.toml", // a pattern of the flag is *.toml; folders are checked below
		`my\ dir/`:                  "my dir/app one.toml",
		`"my dir/`:                  "my dir/app one.toml",
		`'my dir/a`:                 "my dir/app one.toml",
		`my\ dir/n`:                 "my dir/new\nline.py",
		`my\ dir/.`:                 "my dir/.hidden",
		`my\ dir/s`:                 "my dir/sub/",
		`~/hd/`:                     "~/hd/x.py",
		`$HOME/hd/`:                 "$HOME/hd/x.py",
		`"$HOME/hd/`:                "$HOME/hd/x.py",
		`$PLACE/a`:                  "$PLACE/app one.toml",
		`"~"/`:                      "~/z.py",
		`'$(touch x)/`:              "$(touch x)/y.py",
		`\$\(touch\ x\)/`:           "$(touch x)/y.py",
		`~`:                         "~/",
		`$(touch x)/`:               "",
		`"$(touch x)/`:              "",
		`(touch x)/`:                "",
		`$HOME(touch x)/`:           "",
		`$NOTHING_OF_THIS_NAME/hd/`: "",
		`$PLACE`:                    "",
		`nothing/`:                  "",
		`tab`:                       "",
	} {
		for _, flag := range []string{"--from ", "--from="} {
			got := answer(t, "--shell", "fish", "--null", "--line", "fal-things list "+flag+typed)
			expected := want
			if expected != "" && flag == "--from=" {
				expected = flag + want
			}
			switch {
			case typed == "":
				if !strings.Contains(got, "a.toml") || !strings.Contains(got, "my dir/") || strings.Contains(got, "files") {
					t.Errorf("%s|: %q", flag, got)
				}
			case want == "" && got != ":none", want != "" && !slices.Contains(strings.Split(got, "|"), expected):
				t.Errorf("%s%s|: %q, want %q", flag, typed, got, expected)
			}
		}
	}
	// Handed on to another program, the question is the same.
	r, err := ReadRequest([]string{CompleteWord, "--shell", "fish", "--null", "--line", `fal things list --from ~/hd/`})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer(t, r.Behind(1).Args()[1:]...); !strings.Contains(got, "~/hd/x.py") {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("something was evaluated")
	}
}

// zsh is asked for files only where it evaluates nothing but variables.
func TestFilesInZsh(t *testing.T) {
	fileFolder(t)
	const shells = ":files *.toml *.env"
	for typed, want := range map[string]string{
		`my\ dir/`:            shells,
		`"my dir/`:            shells,
		`~/hd/`:               shells,
		`$HOME/hd/`:           shells,
		`"$HOME/hd/`:          shells,
		``:                    shells,
		`$(touch x)/`:         ":none",
		`"$(touch x)/`:        ":none",
		"`touch x`/":          ":none",
		"\"`touch x`/":        ":none",
		`${HOME}/`:            ":none",
		`${(e)X}/`:            ":none",
		`$HOME[1]/`:           ":none",
		`$[1+1]/`:             ":none",
		`$((1))/`:             ":none",
		`<(touch x)/`:         ":none",
		`>(touch x)/`:         ":none",
		`=(touch x)/`:         ":none",
		`*(e:'touch x':)/`:    ":none",
		`$HOME/$(touch x)/`:   ":none",
		`$HOME\$(touch x)/`:   ":none",
		`\$\(touch\ x\)/`:     "$(touch x)/y.py|:none",
		`'$(touch x)/`:        "$(touch x)/y.py|:none",
		`--from=$(touch x)/`:  ":none",
		`--from='my dir/a`:    "--from='my dir/app one.toml'|:quoted",
		`--from="$HOME/hd/`:   `--from="$HOME/hd/x.py"|:quoted`,
		`--from='$(touch x)/`: "--from='$(touch x)/y.py'|:quoted",
		`--from="$(touch x)/`: ":quoted",
	} {
		word := splitLine(typed, "zsh").current.text
		words := []string{"list", "--from", word}
		if strings.HasPrefix(typed, "--from=") {
			words = []string{"list", word}
		} else if typed == "<(touch x)/" || typed == ">(touch x)/" || strings.Contains(typed, " x':)") {
			words[2] = typed
		}
		if got := answer(t, append([]string{"--shell", "zsh", "--typed", typed, "--"}, words...)...); got != want {
			t.Errorf("%s|: %q, want %q", typed, got, want)
		}
	}
}
