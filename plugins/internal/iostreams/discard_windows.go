package iostreams

import (
	"os"

	"golang.org/x/sys/windows"
)

// discards reports whether what is written to f is lost: it is not open, or it
// is NUL, a character device that is no console.
func discards(f *os.File) bool {
	out := windows.Handle(f.Fd())
	kind, err := windows.GetFileType(out)
	if err != nil {
		return true
	}
	var mode uint32
	return kind == windows.FILE_TYPE_CHAR && windows.GetConsoleMode(out, &mode) != nil
}
