package tokenfile

import (
	"io/fs"
	"os"
)

// tighten does nothing: the folder's access control list is inherited.
func (f *Folder) tighten(*os.File, fs.FileInfo) {}

// giveToOwner does nothing: the folder's access control list is inherited.
func giveToOwner(string, string) {}
