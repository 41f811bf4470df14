package transport

import (
	"syscall"

	"golang.org/x/sys/windows"
)

func refusedErrnos() []syscall.Errno { return []syscall.Errno{windows.WSAECONNREFUSED} }

func resetErrnos() []syscall.Errno {
	return []syscall.Errno{windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN}
}

func unreachableErrnos() []syscall.Errno {
	return []syscall.Errno{windows.WSAENETUNREACH, windows.WSAEHOSTUNREACH, windows.WSAENETDOWN}
}
