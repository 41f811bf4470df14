package deploy

import (
	"os"

	"golang.org/x/term"
)

// terminalSize is the size of the terminal of stderr; 0 where it is not known.
func terminalSize() (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}
