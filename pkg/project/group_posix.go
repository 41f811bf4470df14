//go:build unix && !linux

package project

import "syscall"

// endWithParent changes nothing: the system has no such thing.
func endWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
