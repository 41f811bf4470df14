package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// interpreter is a Python, as the command that begins with it.
type interpreter struct {
	argv []string
	// origin says where it comes from, for people: "VIRTUAL_ENV".
	origin string
}

// findPython returns the Python of a project, without running it.
func findPython(o Options, root string) (interpreter, error) {
	for _, choice := range []struct{ value, origin string }{
		{o.Python, "--python"},
		{o.getenv("FAL_PYTHON"), "FAL_PYTHON"},
	} {
		if choice.value == "" {
			continue
		}
		path, err := lookPython(o.Dir, choice.value)
		if err != nil {
			return interpreter{}, problem("", "%s: there is no Python at %s", choice.origin, choice.value)
		}
		return interpreter{[]string{path}, choice.origin}, nil
	}
	if venv := o.getenv("VIRTUAL_ENV"); venv != "" {
		if path := pythonIn(expand(o.Dir, venv)); isFile(path) {
			return interpreter{[]string{path}, "VIRTUAL_ENV"}, nil
		}
	}
	if isFile(filepath.Join(root, "uv.lock")) {
		if uv, err := exec.LookPath("uv"); err == nil {
			return interpreter{[]string{uv, "run", "--project", root, "--", "python"}, "uv run"}, nil
		}
	}
	for _, name := range []string{"python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			return interpreter{[]string{path}, name}, nil
		}
	}
	return interpreter{}, problem("install Python 3, or name an interpreter with --python or FAL_PYTHON",
		"this app needs Python, and there is none: no python3 on PATH, and no active virtual environment")
}

// lookPython finds a command on PATH, a file, or the Python of the virtual
// environment that a folder is. Relative paths are under dir.
func lookPython(dir, value string) (string, error) {
	if !strings.ContainsAny(value, `/\`) && value != "." {
		if path, err := exec.LookPath(value); err == nil {
			return path, nil
		}
	}
	path := expand(dir, value)
	if isDir(path) {
		path = pythonIn(path)
	}
	return exec.LookPath(path)
}

func pythonIn(venv string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(venv, "Scripts", "python.exe")
	}
	return filepath.Join(venv, "bin", "python")
}

// interpreterVersion asks the Python of a project for its version, as in "3.11".
func interpreterVersion(ctx context.Context, o Options, root string) (string, error) {
	const hint = `set python_version in the app's table, or name an interpreter with --python or FAL_PYTHON`
	python, err := findPython(o, root)
	if err != nil {
		return "", problem(hint, "the app has no python_version, and there is no Python here whose version to take")
	}
	cmd := python.command(ctx, o.Dir, "-c", `import sys; print("%d.%d" % sys.version_info[:2])`)
	cmd.Stderr = o.stderr()
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	version := strings.TrimSpace(string(out))
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || n != 2 {
		return "", problem(hint, "%s (%s) does not tell its version: %s", python, python.origin, reason(err, version))
	}
	return version, nil
}

func reason(err error, said string) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("it says %q", said)
}

// String is the command as a person would type it.
func (p interpreter) String() string { return strings.Join(p.argv, " ") }

// command is run in dir and ended with ctx, with what it started where processes
// have groups; on Windows it is ended alone.
func (p interpreter) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	return groupCommand(ctx, dir, append(p.argv[:len(p.argv):len(p.argv)], args...))
}

func groupCommand(ctx context.Context, dir string, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	// A process that outlives its parent may keep the pipes open.
	cmd.WaitDelay = 5 * time.Second
	endWithGroup(cmd)
	return cmd
}

// runTool runs a program of somebody else, and says which when it fails.
func runTool(ctx context.Context, dir string, output io.Writer, argv ...string) error {
	cmd := groupCommand(ctx, dir, argv)
	cmd.Stdout, cmd.Stderr = output, output
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return nil
}
