package project

import "syscall"

// endWithParent has the command killed, though not what it started, when this
// process ends without having done it.
func endWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGKILL
	return a
}
