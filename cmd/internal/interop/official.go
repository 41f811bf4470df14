package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

//go:embed requirements.lock
var lockfile string

const (
	officialPackage = "fal"

	// The pins of requirements.lock have no wheels below it.
	minimumPython = "3.11"

	// markerName is written last, so that an installation that was
	// interrupted is never taken for a finished one.
	markerName = "installed"
)

// Version is the release of the official client that requirements.lock pins.
func Version() string { return pinnedVersion(lockfile, officialPackage) }

func pinnedVersion(lock, name string) string {
	for line := range strings.Lines(lock) {
		if pinned, version, found := strings.Cut(strings.TrimSpace(line), "=="); found && pinned == name {
			return version
		}
	}
	return ""
}

// Source says where the official client comes from. The zero value stands for
// the defaults.
type Source struct {
	Cache  string // folder of the kept environments; empty: the user's cache
	Python string // interpreter that makes them; empty: python3 of PATH
	Venv   string // use this environment as it is and install nothing

	lock string // replaces requirements.lock in tests
}

// SourceFrom reads FAL_INTEROP_CACHE, FAL_INTEROP_PYTHON and FAL_INTEROP_VENV.
func SourceFrom(getenv func(string) string) Source {
	return Source{
		Cache:  getenv("FAL_INTEROP_CACHE"),
		Python: getenv("FAL_INTEROP_PYTHON"),
		Venv:   getenv("FAL_INTEROP_VENV"),
	}
}

// Official returns the path of the official client's command, at the pinned
// version, installing it when it is not there yet. What pip says goes to
// progress. Concurrent callers wait for each other.
func (s Source) Official(ctx context.Context, progress io.Writer) (path string, err error) {
	if s.lock == "" {
		s.lock = lockfile
	}
	if s.Venv != "" {
		return s.existing(ctx)
	}

	cache, err := s.cacheFolder()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	venv := filepath.Join(cache, s.key())

	lock := flock.New(venv + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("waiting for another installation into %s: %w", venv, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()

	if s.finished(ctx, venv) {
		return commandIn(venv, officialPackage), nil
	}
	if err := s.install(ctx, venv, progress); err != nil {
		return "", err
	}
	return commandIn(venv, officialPackage), nil
}

func (s Source) existing(ctx context.Context) (string, error) {
	venv, err := filepath.Abs(s.Venv)
	if err != nil {
		return "", err
	}
	if err := s.usable(ctx, venv); err != nil {
		return "", fmt.Errorf("the environment %s (FAL_INTEROP_VENV) does not serve: %w", venv, err)
	}
	return commandIn(venv, officialPackage), nil
}

// key changes with every pin, so that a changed lock file never meets an old
// environment.
func (s Source) key() string {
	sum := sha256.Sum256([]byte(s.lock))
	return pinnedVersion(s.lock, officialPackage) + "-" + hex.EncodeToString(sum[:6])
}

func (s Source) cacheFolder() (string, error) {
	if s.Cache != "" {
		return filepath.Abs(s.Cache)
	}
	if xdg := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "fal-interop"), nil
	}
	if runtime.GOOS == "windows" {
		cache, err := os.UserCacheDir()
		return filepath.Join(cache, "fal-interop"), err
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".cache", "fal-interop"), err
}

func (s Source) finished(ctx context.Context, venv string) bool {
	if _, err := os.Stat(filepath.Join(venv, markerName)); err != nil {
		return false
	}
	// An upgrade of the system's Python leaves a venv that no longer starts.
	return s.usable(ctx, venv) == nil
}

func (s Source) usable(ctx context.Context, venv string) error {
	cmd := exec.CommandContext(ctx, commandIn(venv, officialPackage), "--version")
	cmd.Env = withoutClientSettings(os.Environ())
	out, err := output(cmd)
	if err != nil {
		return err
	}
	want := pinnedVersion(s.lock, officialPackage)
	if got := strings.TrimSpace(out); got != want {
		return fmt.Errorf("it holds version %q of the official client; version %s is pinned", got, want)
	}
	return nil
}

func (s Source) install(ctx context.Context, venv string, progress io.Writer) error {
	python, err := s.interpreter(ctx)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	fmt.Fprintf(progress, "installing the official client %s into %s\n", pinnedVersion(s.lock, officialPackage), venv)
	if err := run(ctx, progress, python, "-m", "venv", venv); err != nil {
		return fmt.Errorf("making a virtual environment: %w", err)
	}
	requirements := filepath.Join(venv, "requirements.lock")
	if err := os.WriteFile(requirements, []byte(s.lock), 0o644); err != nil {
		return err
	}
	if err := run(ctx, progress, commandIn(venv, "python"), "-m", "pip", "install",
		"--disable-pip-version-check", "--no-input", "--quiet", "-r", requirements); err != nil {
		return fmt.Errorf("installing the official client with pip: %w", err)
	}
	if err := s.usable(ctx, venv); err != nil {
		return fmt.Errorf("the official client was installed, but does not serve: %w", err)
	}
	return os.WriteFile(filepath.Join(venv, markerName), nil, 0o644)
}

func (s Source) interpreter(ctx context.Context) (string, error) {
	python := s.Python
	if python == "" {
		python = "python3"
		if runtime.GOOS == "windows" {
			python = "python"
		}
	}
	need := fmt.Sprintf("the official client needs Python %s or newer with its venv module "+
		"(Debian, Ubuntu: apt install python3-venv; macOS: brew install python3); "+
		"FAL_INTEROP_PYTHON names an interpreter, FAL_INTEROP_VENV a finished environment", minimumPython)

	path, err := exec.LookPath(python)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, need)
	}
	version, err := output(exec.CommandContext(ctx, path, "-c",
		"import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"))
	if err != nil {
		return "", fmt.Errorf("%s cannot make virtual environments: %w: %s", path, err, need)
	}
	if version = strings.TrimSpace(version); !atLeast(version, minimumPython) {
		return "", fmt.Errorf("%s is Python %s: %s", path, version, need)
	}
	return path, nil
}

func atLeast(version, minimum string) bool {
	var major, minor, minMajor, minMinor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(minimum, "%d.%d", &minMajor, &minMinor); err != nil {
		return false
	}
	return major > minMajor || major == minMajor && minor >= minMinor
}

func commandIn(venv, name string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(venv, "Scripts", name+".exe")
	}
	return filepath.Join(venv, "bin", name)
}

func run(ctx context.Context, progress io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = progress, progress
	return cmd.Run()
}

func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if said := lastLine(exit.Stderr); said != "" {
			return "", fmt.Errorf("%w: %s", err, said)
		}
	}
	return string(out), err
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// withoutClientSettings keeps the caller's hosts and configuration away from a
// client that reads them, and fails on them, before it looks at its arguments.
func withoutClientSettings(environ []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		return strings.HasPrefix(variable, "FAL_") || strings.HasPrefix(variable, "ISOLATE_") ||
			strings.HasPrefix(variable, "PYTHON")
	})
	return append(kept, "FAL_CONFIG_PATH="+os.DevNull)
}
