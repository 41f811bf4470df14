//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package iostreams_test

import "golang.org/x/sys/unix"

const readTermios = unix.TIOCGETA
