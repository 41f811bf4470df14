package deploy

import (
	"cmp"
	"os"
	"runtime"
	"strings"

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

func speaksUTF8(getenv func(string) string) bool {
	if runtime.GOOS == "windows" {
		return true
	}
	locale := strings.ToLower(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}
