//go:build unix

package cache

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

func owner(info fs.FileInfo) (uid int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}

func isOwn(info fs.FileInfo) bool {
	uid, known := owner(info)
	return known && uid == os.Geteuid()
}

func isPrivate(info fs.FileInfo) bool { return info.Mode().Perm() == folderMode }

// mayMakeIn keeps root, as sudo may leave it with the user's home, from making
// a folder there that the user cannot use.
func mayMakeIn(path string) bool {
	if os.Geteuid() != 0 {
		return true
	}
	for {
		if info, err := os.Stat(path); err == nil {
			return isOwn(info)
		}
		above := filepath.Dir(path)
		if above == path {
			return false
		}
		path = above
	}
}
