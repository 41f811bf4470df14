package runtime

import "os"

func openTerminal(Size) (ours, theirs *os.File, err error) { return nil, nil, ErrNoTerminal }

const noCharacter = 0

func resize(*os.File, Size) error { return ErrNoTerminal }

func endOfInput(*os.File) (end byte, lines bool, err error) { return 0, false, ErrNoTerminal }

// isHangup reports whether a read failed because nobody writes any more, which
// the end of the file tells on this system.
func isHangup(error) bool { return false }

// widen has nothing to choose: the size of a pipe is given when it is made.
func widen(*os.File) {}
