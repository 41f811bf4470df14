package dispatch

import (
	"syscall"

	"github.com/fal-plugins/fal/plugins/dispatch/spawn"
)

const (
	errNoFormat = syscall.Errno(193) // ERROR_BAD_EXE_FORMAT
	errTooLong  = syscall.Errno(206) // ERROR_FILENAME_EXCED_RANGE
)

// Exec runs the program on this process's streams and returns its exit code
// when it has ended. Events of the console reach both; the dispatcher leaves
// them to the program. The program is ended when the dispatcher is. The error
// is a *StartError.
func (p Program) Exec() (int, error) {
	code, err := spawn.Run(p.Path, p.Args, p.Env)
	if err != nil {
		failure := p.startError(err)
		return failure.ExitCode(), failure
	}
	return code, nil
}
