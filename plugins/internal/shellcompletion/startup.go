package shellcompletion

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// The lines of ours stand between these two.
const (
	firstLine = "# >>> fal completion >>>\n"
	lastLine  = "# <<< fal completion <<<\n"
	// madeFor is one of them where the file did not exist before.
	madeFor = "# This file was made for it.\n"
	// unended is one of them where the line before had no end.
	unended = "# The line before these had no end.\n"
)

// lines are what the shell reads at its start.
func (p Place) lines() string {
	file := cli.Quote(filepath.Join(p.folder, p.file))
	switch p.shell {
	case "bash":
		return "if [ -n \"${BASH_VERSION-}\" ] && [ -r " + file + " ]; then . " + file + "; fi\n"
	case "zsh":
		return "if [[ -r " + file + " ]]; then\n" +
			"  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }\n" +
			"  source " + file + "\n" +
			"fi\n"
	}
	return ""
}

// edit is the change after which the startup file has these lines between the
// markers; without lines, no markers either. Its action is "" when there is
// nothing to take out.
func (p Place) edit(lines string) (change, error) {
	text, err := os.ReadFile(p.startup)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return change{}, err
	}
	before, behind, found, err := block(string(text))
	if err != nil {
		return change{}, &startupError{p.startup, err}
	}
	ours := string(text)[len(before) : len(text)-len(behind)]
	made := missing || strings.Contains(ours, madeFor)
	cut := strings.Contains(ours, unended)
	folder := filepath.Dir(p.startup)
	levels := max(missingLevels(folder), madeLevels(ours))
	if lines == "" {
		switch {
		case !found:
			return change{}, nil
		case made && before+behind == "" && isRegular(p.startup):
			return change{Change{p.startup, "remove"}, func() error {
				defer removeEmpty(folder, levels)
				return os.Remove(p.startup)
			}}, nil
		case cut && behind == "":
			before = strings.TrimSuffix(before, "\n")
		}
		return change{Change{p.startup, "take out"}, func() error { return replace(p.startup, before+behind) }}, nil
	}
	if !found && before != "" && !strings.HasSuffix(before, "\n") {
		before += "\n"
		cut = true
	}
	head := firstLine + written
	if made {
		head += madeFor + madeLine(levels)
	}
	if cut {
		head += unended
	}
	want := before + head + lines + lastLine + behind
	if want == string(text) {
		return change{Change{p.startup, "keep"}, nil}, nil
	}
	return change{Change{p.startup, "add"}, func() error { return replace(p.startup, want) }}, nil
}

// isRegular reports whether there is a file, and no link to one.
func isRegular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

type startupError struct {
	path string
	err  error
}

func (e *startupError) Error() string { return e.path + ": " + e.err.Error() }
func (e *startupError) Unwrap() error { return e.err }

// block finds the lines of ours in a text, and what is around them: without any,
// all of the text is before them.
func block(text string) (before, behind string, found bool, err error) {
	start := lineIndex(text, firstLine)
	if start < 0 {
		if lineIndex(text, lastLine) >= 0 {
			return "", "", false, errors.New("the line `" + strings.TrimSpace(firstLine) + "` is missing before its end")
		}
		return text, "", false, nil
	}
	end := lineIndex(text[start:], lastLine)
	if end < 0 {
		return "", "", false, errors.New("the line `" + strings.TrimSpace(lastLine) + "` is missing behind its beginning")
	}
	behind = strings.TrimPrefix(text[start+end:], strings.TrimSuffix(lastLine, "\n"))
	return text[:start], strings.TrimPrefix(behind, "\n"), true, nil
}

// lineIndex is where a whole line begins; its end may be that of the text.
func lineIndex(text, line string) int {
	at := 0
	for l := range strings.Lines(text) {
		if strings.TrimSuffix(l, "\n") == strings.TrimSuffix(line, "\n") {
			return at
		}
		at += len(l)
	}
	return -1
}

// replace puts text in the place of what a file held, through links, with the
// mode that it had.
func replace(path, text string) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = file.Chmod(mode)
	if err == nil {
		_, err = io.WriteString(file, text)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error is the one to tell
	}
	return err
}
