package installed

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Problem is what is wrong with a file; its reason is empty when nothing is.
type Problem struct {
	// Reason is a phrase such as "its interpreter /x does not exist".
	Reason string
	Hints  []string
}

// ScriptProblem says what is wrong with the interpreter in the first line of
// a script. Files that are no scripts, or cannot be read, have no problem, and
// neither has anything on Windows, which does not read that line.
func ScriptProblem(path string) Problem {
	interpreter, _, isScript := shebang(path)
	if !isScript || runtime.GOOS == "windows" {
		return Problem{}
	}
	line := Shown("#!" + interpreter)
	switch info, err := os.Stat(interpreter); {
	case interpreter == "":
		return Problem{Reason: "its first line names no interpreter"}
	case !filepath.IsAbs(interpreter):
		return Problem{
			Reason: "its interpreter " + Shown(interpreter) + " is not an absolute path",
			Hints:  []string{"its first line is " + line},
		}
	case err != nil && strings.HasSuffix(interpreter, "\r"):
		return Problem{
			Reason: "its interpreter " + Shown(interpreter) + " does not exist",
			Hints:  []string{"its lines end in CR LF; save it with LF alone"},
		}
	case err != nil:
		return Problem{
			Reason: "its interpreter " + Shown(interpreter) + " does not exist",
			Hints:  []string{"its first line is " + line},
		}
	case info.IsDir() || info.Mode().Perm()&0o111 == 0:
		return Problem{
			Reason: "its interpreter " + Shown(interpreter) + " may not be executed",
			Hints:  []string{"its first line is " + line},
		}
	}
	return Problem{}
}

// missingCommand returns the program that a script asks env for and that is
// not on PATH.
func (f Finder) missingCommand(path string) (string, bool) {
	interpreter, rest, isScript := shebang(path)
	if !isScript || runtime.GOOS == "windows" || filepath.Base(interpreter) != "env" {
		return "", false
	}
	blank := func(r rune) bool { return r == ' ' || r == '\t' }
	for _, field := range strings.FieldsFunc(rest, blank) {
		switch {
		case field == "-S" || strings.Contains(field, "="):
			continue
		case strings.HasPrefix(field, "-"):
			// Other options may take arguments of their own.
			return "", false
		case strings.Contains(field, "/"):
			return field, !exists(field)
		}
		_, found := f.Path.Find(field)
		return field, !found
	}
	return "", false
}

// shebang reads the first line of a script as the kernel does: an interpreter
// and the rest of the line.
func shebang(path string) (interpreter, rest string, isScript bool) {
	file, err := os.Open(path)
	if err != nil {
		return "", "", false
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = file.Close() }()
	head := make([]byte, 256)
	read, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return "", "", false
	}
	line, isScript := strings.CutPrefix(string(head[:read]), "#!")
	if !isScript {
		return "", "", false
	}
	line, _, _ = strings.Cut(line, "\n")
	line = strings.TrimLeft(line, " \t")
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		return line[:end], strings.Trim(line[end:], " \t"), true
	}
	return line, "", true
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Interpreter is the program that the first line of a script names: behind
// env, "". It need not exist.
func Interpreter(path string) string {
	interpreter, _, isScript := shebang(path)
	if !isScript || filepath.Base(interpreter) == "env" {
		return ""
	}
	return interpreter
}
