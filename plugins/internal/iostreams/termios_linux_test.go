package iostreams_test

import "golang.org/x/sys/unix"

const readTermios = unix.TCGETS
