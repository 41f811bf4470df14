package project

import (
	"errors"
	"io/fs"
	"os"
)

// openRegular opens a file to read it. What is no regular file is refused at
// once, also a pipe that nobody writes to.
func openRegular(name string) (*os.File, error) {
	return onlyRegular(os.OpenFile(name, os.O_RDONLY|doNotWait, 0))
}

// openBelow is openRegular for a file below root, out of which no link leads it.
func openBelow(root *os.Root, name string) (*os.File, error) {
	return onlyRegular(root.OpenFile(name, os.O_RDONLY|doNotWait, 0))
}

func onlyRegular(file *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: file.Name(), Err: errors.New("it is not a regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
