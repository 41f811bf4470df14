package config

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// rename tries for a while: a process that is just reading the file, or a
// virus scanner, keeps it from being replaced.
func rename(from, to string) error {
	const wait, attempts = 20 * time.Millisecond, 100
	for i := 1; ; i++ {
		err := os.Rename(from, to)
		held := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !held || i == attempts {
			return err
		}
		time.Sleep(wait)
	}
}

// syncFolder does nothing: Windows has no such call for folders.
func syncFolder(string) error { return nil }

// keepOwner does nothing: the folder's access control list is inherited.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
