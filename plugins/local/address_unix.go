//go:build !windows

package local

import "syscall"

const errAddressInUse = syscall.EADDRINUSE
