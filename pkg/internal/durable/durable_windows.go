package durable

import (
	"errors"
	"time"

	"golang.org/x/sys/windows"
)

// insist tries for a while: a process that is just reading the file, or a
// virus scanner, keeps it from being changed.
func insist(change func() error) error {
	const wait, attempts = 20 * time.Millisecond, 100
	for i := 1; ; i++ {
		err := change()
		if !isHeld(err) || i == attempts {
			return err
		}
		time.Sleep(wait)
	}
}

func isHeld(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// syncFolder has nothing to do: a folder can not be flushed there, and the
// journal of the file system keeps the order of what was done in it.
func syncFolder(string) error { return nil }
