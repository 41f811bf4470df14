package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"syscall"
)

// markVariable is set in the environment of every supervisor and every process.
const markVariable = "FAL_LOCAL_PROCESS"

// Spec says what to run.
type Spec struct {
	// ID names the process in errors and in records. It need not be unique.
	ID string

	// Argv is the command and its arguments. A command without a separator is
	// looked up in the PATH of Env, or of the control plane if Env has none;
	// relative folders in PATH are passed over. A relative path is relative to Dir.
	Argv []string

	// Env is the whole environment, as "NAME=value"; nothing is inherited. Of
	// several values for a name the last counts. The mark of the package is
	// added. No part of it is ever visible in an argv.
	Env []string

	// Dir is the working folder; empty means that of the control plane.
	Dir string

	// Output receives what the process and its descendants write. Calls for one
	// process never overlap, and none is made once Done is closed. While it does
	// not return, the process blocks as soon as its pipe is full. Nil discards.
	// Open makes no use of it.
	Output func(Line)
}

// StartError says why a process could not be started. It unwraps to the cause,
// so that errors.Is works with fs.ErrNotExist and fs.ErrPermission.
type StartError struct {
	ID   string // of the Spec
	Op   string // "argv", "environment", "folder", "execute", "supervisor" or "record"
	Path string // the file or folder concerned, if there is one
	Err  error
}

func (e *StartError) Error() string {
	var b strings.Builder
	b.WriteString("start")
	if e.ID != "" {
		b.WriteString(" " + e.ID)
	}
	b.WriteString(": " + e.Op)
	if e.Path != "" {
		b.WriteString(" " + e.Path)
	}
	b.WriteString(": " + e.Err.Error())
	return b.String()
}

func (e *StartError) Unwrap() error { return e.Err }

// launch turns a Spec into what a supervisor is told, with absolute paths.
func (s Spec) launch(mark string, streams streams) (launch, error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return launch{}, &StartError{ID: s.ID, Op: "argv", Err: errors.New("no command")}
	}
	for _, arg := range s.Argv {
		if strings.ContainsRune(arg, 0) {
			return launch{}, &StartError{ID: s.ID, Op: "argv", Err: errors.New("an argument contains a NUL byte")}
		}
	}
	env, err := s.environment(mark)
	if err != nil {
		return launch{}, err
	}
	dir, err := s.folder()
	if err != nil {
		return launch{}, err
	}
	path, err := s.executable(dir)
	if err != nil {
		return launch{}, err
	}
	return launch{
		Path:    path,
		Dir:     dir,
		Streams: streams,
		Argv:    s.Argv,
		Env:     env,
	}, nil
}

// environment is Env with the mark, each name once.
func (s Spec) environment(mark string) ([]string, error) {
	env := make([]string, 0, len(s.Env)+1)
	places := make(map[string]int, cap(env))
	for _, entry := range append(slices.Clip(s.Env), markVariable+"="+mark) {
		if goruntime.GOOS == "windows" && strings.HasPrefix(entry, "=") {
			env = append(env, entry) // the working folder of a drive
			continue
		}
		name, _, ok := strings.Cut(entry, "=")
		// The entry may be a secret whose name was forgotten: it is not shown.
		if !ok || name == "" {
			return nil, &StartError{ID: s.ID, Op: "environment", Err: errors.New(`an entry is not of the form "NAME=value"`)}
		}
		if strings.ContainsRune(entry, 0) {
			return nil, &StartError{ID: s.ID, Op: "environment", Err: errors.New("a variable contains a NUL byte")}
		}
		if place, ok := places[name]; ok {
			env[place] = entry
			continue
		}
		places[name] = len(env)
		env = append(env, entry)
	}
	return env, nil
}

func (s Spec) folder() (string, error) {
	dir, err := filepath.Abs(s.Dir)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(dir); err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
	}
	if err != nil {
		return "", &StartError{ID: s.ID, Op: "folder", Path: s.Dir, Err: cause(err)}
	}
	return dir, nil
}

func (s Spec) executable(dir string) (string, error) {
	command := s.Argv[0]
	if filepath.Base(command) != command {
		path := command
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		found, err := exec.LookPath(path)
		if err != nil {
			return "", &StartError{ID: s.ID, Op: "execute", Path: path, Err: cause(err)}
		}
		return found, nil
	}
	failure := fmt.Errorf("not found in PATH: %w", fs.ErrNotExist)
	for _, folder := range filepath.SplitList(s.path()) {
		if !filepath.IsAbs(folder) {
			continue
		}
		found, err := exec.LookPath(filepath.Join(folder, command))
		if err == nil {
			return found, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			failure = cause(err)
		}
	}
	return "", &StartError{ID: s.ID, Op: "execute", Path: command, Err: failure}
}

// path is the last PATH of the environment, which is the one that counts.
func (s Spec) path() string {
	for i := len(s.Env) - 1; i >= 0; i-- {
		name, value, _ := strings.Cut(s.Env[i], "=")
		if name == "PATH" || goruntime.GOOS == "windows" && strings.EqualFold(name, "PATH") {
			return value
		}
	}
	return os.Getenv("PATH")
}

// cause drops the operation and path that StartError states itself.
func cause(err error) error {
	var path *fs.PathError
	var lookup *exec.Error
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &lookup):
		return lookup.Err
	}
	return err
}
