package cache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	suffix   = ".json"
	unplaced = ".new-"

	maxFile  = 1 << 20 // bytes
	maxFiles = 256
	maxTotal = 8 << 20 // bytes
	maxAge   = 30 * 24 * time.Hour

	// A file that is on its way for so long is of a process that died.
	leftoverAge = time.Minute
)

var errForeign = errors.New("the folder for caches is someone else's")

// usable reports whether nobody but this user could have written into the
// folder.
func usable(folder string) bool {
	info, err := os.Lstat(folder)
	return err == nil && info.IsDir() && isOwn(info) && isPrivate(info)
}

// prepare makes the folder below root, or makes it private.
func prepare(root, folder string) error {
	info, err := os.Lstat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		if !mayMakeIn(root) {
			return errForeign
		}
		if err := os.MkdirAll(root, folderMode); err != nil {
			return err
		}
		if err := os.Mkdir(folder, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		info, err = os.Lstat(folder)
	}
	switch {
	case err != nil:
		return err
	case !info.IsDir(), !isOwn(info):
		return errForeign
	case !isPrivate(info):
		return os.Chmod(folder, folderMode)
	}
	return nil
}

// replace puts content in the place of what a file of the folder holds.
func replace(folder, name string, content []byte) error {
	file, err := os.CreateTemp(folder, unplaced+"*")
	if err != nil {
		return err
	}
	err = file.Chmod(fileMode)
	if err == nil {
		_, err = file.Write(content)
	}
	// Not synced: what a crash leaves of it is no entry, and missed by nobody.
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(folder, name))
	}
	if err != nil {
		_ = os.Remove(file.Name()) // if it stays, it is swept
	}
	return err
}

// sweep removes what is too much. Another process may do so too; a file that
// cannot be removed is left to the next one.
func (c *Cache) sweep() {
	listed, err := os.ReadDir(c.folder())
	if err != nil {
		return
	}
	var kept []fs.FileInfo
	remove := func(f fs.FileInfo) { _ = os.Remove(filepath.Join(c.folder(), f.Name())) }
	for _, l := range listed {
		info, err := l.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		age := c.now().Sub(info.ModTime())
		switch {
		case strings.HasPrefix(info.Name(), unplaced):
			if age > leftoverAge {
				remove(info)
			}
		case !strings.HasSuffix(info.Name(), suffix): // none of ours
		case age > maxAge:
			remove(info)
		default:
			kept = append(kept, info)
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	var total int64
	for i, info := range kept {
		if total += info.Size(); i >= maxFiles || total > maxTotal {
			remove(info)
		}
	}
}
