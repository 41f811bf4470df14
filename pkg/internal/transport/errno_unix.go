//go:build !windows

package transport

import "syscall"

func refusedErrnos() []syscall.Errno { return []syscall.Errno{syscall.ECONNREFUSED} }

func resetErrnos() []syscall.Errno {
	return []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED}
}

func unreachableErrnos() []syscall.Errno {
	return []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN}
}
