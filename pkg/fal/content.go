package fal

import (
	"context"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
)

// uploadPart is the size of each part of a file but the last, in bytes.
const uploadPart = 10 << 20

// A content is what goes up: it was read once, and is read again while it does.
type content struct {
	name string
	size int64
	// sums are checksums of each part, by which it is known if it changes in
	// between.
	sums []uint32
	open func() (io.ReadCloser, error)
}

func (c *content) bytes() int64 { return c.size }

// changed is the error of a content that is not what it was.
func (c *content) changed() error {
	return invalid("Deploy", "%s changed while it was deployed", c.name)
}

// read gives all of it to a hash, and makes the checksums.
func (c *content) read(ctx context.Context, buffer []byte, into hash.Hash, some func(int64)) error {
	opened, err := c.open()
	if err != nil {
		return err
	}
	defer closeQuietly(opened)
	sums := newPartSums()
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := opened.Read(buffer)
		_, _ = into.Write(buffer[:n]) // never fails
		sums.add(buffer[:n])
		size += int64(n)
		if size > c.size {
			return c.changed()
		}
		some(int64(n))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if size != c.size {
		return c.changed()
	}
	c.sums = sums.all()
	return nil
}

// parts is their number; of nothing there is one empty part.
func (c *content) parts() int { return max(1, int((c.size+uploadPart-1)/uploadPart)) }

// section is what from one part on there is, in so many parts, from 0, and how
// many bytes that is. Reading it ends in an error if it changed.
func (c *content) section(first, count int) (io.ReadCloser, int64, error) {
	offset := int64(first) * uploadPart
	size := min(int64(count)*uploadPart, c.size-offset)
	opened, err := c.open()
	if err != nil {
		return nil, 0, c.lost(err)
	}
	if seeker, ok := opened.(io.Seeker); ok {
		_, err = seeker.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, opened, offset)
	}
	if err != nil {
		closeQuietly(opened)
		return nil, 0, c.lost(err)
	}
	return &section{of: c, from: opened, left: size, want: c.sums[first : first+count], sums: newPartSums()}, size, nil
}

// lost is the error of a content that cannot be read any more.
func (c *content) lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, fs.ErrNotExist) {
		return c.changed()
	}
	return &Error{Code: CodeInvalidArgument, Method: "Deploy", Message: err.Error(), cause: err}
}

type section struct {
	of   *content
	from io.ReadCloser
	left int64
	want []uint32
	sums *partSums
}

// Read hands the last bytes on only when all are right, so that no request with
// wrong ones is ever complete.
func (s *section) Read(p []byte) (int, error) {
	if s.left == 0 {
		if s.want != nil && !s.right() {
			return 0, s.of.changed()
		}
		return 0, io.EOF
	}
	n, err := s.from.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	s.sums.add(p[:n])
	switch {
	case s.left == 0:
		if !s.right() {
			return 0, s.of.changed()
		}
		s.want = nil
		return n, nil
	case err != nil:
		return n, s.of.lost(err)
	}
	return n, nil
}

func (s *section) right() bool {
	sums := s.sums.all()
	if len(sums) != len(s.want) {
		return false
	}
	for i, sum := range sums {
		if sum != s.want[i] {
			return false
		}
	}
	return true
}

func (s *section) Close() error { return s.from.Close() }

// partSums makes the checksum of each part of what is added to it.
type partSums struct {
	table *crc32.Table
	done  []uint32
	sum   uint32
	size  int
}

func newPartSums() *partSums { return &partSums{table: crc32.MakeTable(crc32.Castagnoli)} }

func (p *partSums) add(b []byte) {
	for len(b) > 0 {
		if p.size == uploadPart {
			p.done, p.sum, p.size = append(p.done, p.sum), 0, 0
		}
		n := min(len(b), uploadPart-p.size)
		p.sum = crc32.Update(p.sum, p.table, b[:n])
		p.size += n
		b = b[n:]
	}
}

// all are those of all parts; of nothing it is that of one empty part.
func (p *partSums) all() []uint32 { return append(p.done, p.sum) }
