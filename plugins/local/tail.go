package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// followInterval is the time between two looks at a file that is followed.
const followInterval = 100 * time.Millisecond

// maxLogLine is the length in bytes at which a line is given in pieces.
const maxLogLine = 1 << 20

// tail reads lines from a file that grows.
type tail struct {
	path    string
	file    *os.File
	partial []byte
}

func newTail(path string, file *os.File) *tail { return &tail{path: path, file: file} }

func (t *tail) close() error { return t.file.Close() }

// back goes to where the last n lines begin.
func (t *tail) back(n int) error {
	size, err := t.file.Seek(0, io.SeekEnd)
	if err != nil || n == 0 {
		return err
	}
	start, err := lastLines(t.file, size, n)
	if err != nil {
		return err
	}
	_, err = t.file.Seek(start, io.SeekStart)
	return err
}

// lastLines returns where the last n lines of the first size bytes begin.
func lastLines(r io.ReaderAt, size int64, n int) (int64, error) {
	buffer := make([]byte, 64<<10)
	for end := size; end > 0; {
		from := max(end-int64(len(buffer)), 0)
		chunk := buffer[:end-from]
		if _, err := r.ReadAt(chunk, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for i := len(chunk) - 1; i >= 0; i-- {
			at := from + int64(i)
			if chunk[i] != '\n' || at == size-1 { // the last line's own end
				continue
			}
			if n--; n == 0 {
				return at + 1, nil
			}
		}
		end = from
	}
	return 0, nil
}

// read gives the lines up to the present end of the file.
func (t *tail) read(give func(line []byte) error) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := t.file.Read(buffer)
		for rest := buffer[:n]; len(rest) > 0; {
			line, after, ended := bytes.Cut(rest, []byte("\n"))
			t.partial = append(t.partial, line...)
			rest = after
			if !ended && len(t.partial) < maxLogLine {
				break
			}
			if err := give(t.partial); err != nil {
				return err
			}
			t.partial = t.partial[:0]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// unfinished gives the last line if it has no end.
func (t *tail) unfinished(give func(line []byte) error) error {
	if len(t.partial) == 0 {
		return nil
	}
	err := give(t.partial)
	t.partial = t.partial[:0]
	return err
}

// follow gives lines until the context ends or give fails, also those of a
// file that took the place of this one.
func (t *tail) follow(ctx context.Context, give func(line []byte) error) error {
	ticker := time.NewTicker(followInterval)
	defer ticker.Stop()
	for {
		// Asked before reading: what is replaced is not written any more.
		next, err := t.successor()
		if err != nil {
			return err
		}
		if err := t.read(give); err != nil {
			if next != nil {
				return errors.Join(err, next.Close())
			}
			return err
		}
		if next != nil {
			err := errors.Join(t.unfinished(give), t.file.Close())
			t.file = next
			if err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// successor opens the file that has this one's name now, if it is another. A
// file that was cut short is read again from its beginning.
func (t *tail) successor() (*os.File, error) {
	present, err := t.file.Stat()
	if err != nil {
		return nil, err
	}
	named, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // until the next start
	}
	if err != nil {
		return nil, err
	}
	if !os.SameFile(present, named) {
		next, err := os.Open(t.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return next, err
	}
	at, err := t.file.Seek(0, io.SeekCurrent)
	if err == nil && at > present.Size() {
		t.partial = t.partial[:0]
		_, err = t.file.Seek(0, io.SeekStart)
	}
	return nil, err
}
