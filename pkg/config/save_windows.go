package config

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: the folder's access control list is inherited.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
