package deploy

import (
	"os"
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

// clips reports whether the terminal is known as one that cuts its lines off when
// it becomes narrower: xterm, rxvt, the console of Linux and GNU screen do. All
// others are taken to fold them, as tmux does in any of these.
func clips(getenv func(string) string) bool {
	if getenv("TMUX") != "" {
		return false
	}
	term := getenv("TERM")
	return getenv("XTERM_VERSION") != "" || getenv("STY") != "" || term == "linux" || strings.HasPrefix(term, "rxvt") || strings.HasPrefix(term, "screen")
}
