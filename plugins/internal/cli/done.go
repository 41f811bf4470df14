package cli

import (
	"fmt"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// shownDone bounds how many changes an error names.
const shownDone = 5

// Did notes a change that was made, in the words that say so to people, as in
// "revoked 19aa4c02", and before they are printed: if they can not be, the error
// of the command has them. It is for one goroutine at a time.
func (inv *Invocation) Did(format string, args ...any) {
	inv.done = append(inv.done, fmt.Sprintf(format, args...))
}

// accounted is the error of a command that has run. One of writing the output
// says what was done all the same; a reader that has gone, as with `| head -1`,
// did not want to know.
func (inv *Invocation) accounted(err error) error {
	if flushErr := inv.IO.Flush(); err == nil {
		err = flushErr
	}
	if len(inv.done) == 0 || !iostreams.IsOutputError(err) || iostreams.IsClosedPipe(err) {
		return err
	}
	lines := ErrorLines(err)
	last := &lines[len(lines)-1]
	*last += "; done all the same: " + strings.Join(inv.done[:min(len(inv.done), shownDone)], ", ")
	if more := len(inv.done) - shownDone; more > 0 {
		*last += fmt.Sprintf(", and %d more", more)
	}
	return &Error{Code: wordOf(err), Exit: ExitCode(err), Message: lines[0], Lines: lines[1:], Hint: hintsOf(err), Err: err}
}
