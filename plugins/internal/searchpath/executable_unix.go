//go:build unix

package searchpath

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

func extensions(string) []string { return nil }

// executable asks for an x bit as well as for access, because root has access
// to files that nobody may execute.
func executable(path string, info fs.FileInfo) bool {
	return info.Mode().Perm()&0o111 != 0 && unix.Access(path, unix.X_OK) == nil
}
