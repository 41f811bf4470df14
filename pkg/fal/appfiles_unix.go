//go:build unix

package fal

import (
	"io/fs"
	"syscall"
)

// fileMode is the st_mode that is a part of a file's identity.
func fileMode(info fs.FileInfo) uint32 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat != nil {
		return uint32(stat.Mode)
	}
	return permissionsOf(info)
}
