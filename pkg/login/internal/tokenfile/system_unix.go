//go:build unix

package tokenfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// tighten takes away what others may do with the file.
func (f *Folder) tighten(file *os.File, info fs.FileInfo) {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return
	}
	if err := file.Chmod(mode &^ 0o077); err != nil {
		f.notice(fmt.Sprintf("%s can be read by others (mode %04o), and that cannot be changed: %s", f.Path(), mode, reason(err)))
		return
	}
	f.notice(fmt.Sprintf("%s had mode %04o; it is %04o now, so that only you can read it", f.Path(), mode, mode&^0o077))
}

func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// giveToOwner gives path the owner of like, when root writes into someone
// else's folder. Where that fails, the file stays root's.
func giveToOwner(path, like string) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(like)
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		_ = os.Lchown(path, int(owner.Uid), int(owner.Gid))
	}
}
