//go:build !unix

package fal

import "io/fs"

// fileMode is the st_mode that is a part of a file's identity.
func fileMode(info fs.FileInfo) uint32 { return permissionsOf(info) }
