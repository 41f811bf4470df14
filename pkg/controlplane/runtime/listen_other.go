//go:build !linux

package runtime

import "errors"

// Listens reports whether a TCP socket that listens on a port belongs to the
// process or to what it has started. The error is errors.ErrUnsupported where the
// system does not say: outside of Linux, and of programs whose files are hidden
// from this user, such as those that run as another one.
func (p *Process) Listens(int) (bool, error) { return false, errors.ErrUnsupported }

// Ports returns the ports of TCP sockets that listen and belong to the process or to
// what it has started, in order. The error is that of [Process.Listens].
func (p *Process) Ports() ([]int, error) { return nil, errors.ErrUnsupported }
