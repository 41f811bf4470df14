//go:build unix

package dispatch

import (
	"syscall"
)

const (
	errNoFormat = syscall.ENOEXEC
	errTooLong  = syscall.E2BIG
)

// Exec replaces this process by the program, and therefore returns only when
// that is not possible, with a *StartError.
func (p Program) Exec() (int, error) {
	argv := append([]string{p.Path}, p.Args...)
	err := syscall.Exec(p.Path, argv, p.Env)
	failure := p.startError(err)
	return failure.ExitCode(), failure
}
