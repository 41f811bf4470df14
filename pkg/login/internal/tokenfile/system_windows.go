package tokenfile

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// tighten does nothing: the folder's access control list is inherited.
func (f *Folder) tighten(*os.File, fs.FileInfo) {}

// insist tries for a while: a process that is just reading the file, or a
// virus scanner, keeps it from being replaced or removed.
func insist(change func() error) error {
	const wait, attempts = 20 * time.Millisecond, 100
	for i := 1; ; i++ {
		err := change()
		if !vanishing(err) || i == attempts {
			return err
		}
		time.Sleep(wait)
	}
}

// vanishing reports whether err is that of a file that another process has
// open, or that is being deleted and goes when its last handle is closed.
func vanishing(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// syncFolder does nothing: Windows has no such call for folders.
func syncFolder(string) error { return nil }

// giveToOwner does nothing: the folder's access control list is inherited.
func giveToOwner(string, string) {}
