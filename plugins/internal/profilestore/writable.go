package profilestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

const (
	ownerWrites = 0o200
	// A line with a key and one with a host, with room to spare.
	longestAddition = 4 << 10
	longestChain    = 40
)

// checkWritable tries whether the configuration file at path can be replaced,
// and leaves it as it is. A file or folder that is marked as read-only is taken
// at its word, also by root, whom nothing would stop.
func checkWritable(path string) error {
	err := tryToWrite(path)
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	why := err.Error()
	if errors.As(err, &pe) {
		why = pe.Err.Error()
	}
	return &cli.Error{Code: "unwritable", Exit: cli.ExitUsage, Message: fmt.Sprintf("cannot write %s: %s", path, why), Err: err}
}

func tryToWrite(path string) error {
	path, err := followed(path)
	if err != nil {
		return err
	}
	size := int64(longestAddition)
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case info.Mode()&ownerWrites == 0:
		return errors.New("it is read-only")
	default:
		size += info.Size()
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return tryFolder(filepath.Dir(path), size)
}

// tryFolder makes a file of some size in a folder, and removes it.
func tryFolder(path string, size int64) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case runtime.GOOS != "windows" && info.Mode()&ownerWrites == 0: // says nothing on Windows
		return errors.New("its folder is read-only")
	}
	f, err := os.CreateTemp(path, ".config.toml.*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, size))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// followed is what a chain of links ends in, which need not exist.
func followed(path string) (string, error) {
	for range longestChain {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or nothing there
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("too many levels of symbolic links")
}
