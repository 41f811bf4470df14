package installed

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"io"
	"os"
	"runtime"
	"unicode/utf8"
)

// FileProblem says what is wrong with a program: with the interpreter of a
// script, with a text that names none, or with a binary of which a part is
// missing. Only headers are read. What is of no known kind has no problem.
func FileProblem(path string) Problem {
	if problem := ScriptProblem(path); problem.Reason != "" {
		return problem
	}
	file, err := os.Open(path)
	if err != nil {
		return Problem{}
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return Problem{}
	}
	head := make([]byte, 512)
	read, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return Problem{}
	}
	head = head[:read]
	switch {
	case isTruncated(file, head, info.Size()):
		return Problem{Reason: "a part of the file is missing", Hints: []string{"install it again"}}
	case runtime.GOOS != "windows" && isText(head) && !bytes.HasPrefix(head, []byte("#!")):
		return Problem{Reason: "a text whose first line names no interpreter", Hints: []string{"its first line has to be as #!/bin/sh"}}
	}
	return Problem{}
}

// isText reports whether what a file begins with is text.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size == 1 {
			return len(head) < utf8.UTFMax // cut off by how much was read
		}
		head = head[size:]
	}
	return true
}

// isTruncated reports whether a program says that it is longer than its file.
func isTruncated(file io.ReaderAt, head []byte, size int64) bool {
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case begins(elf.ELFMAG):
		return elfEnds(file, size)
	case begins("\xcf\xfa\xed\xfe"), begins("\xce\xfa\xed\xfe"):
		return machoEnds(file, size)
	case begins("\xca\xfe\xba\xbe"):
		return fatEnds(file, size)
	case begins("MZ"):
		return peEnds(file, size)
	}
	return false
}

func beyond(offset, length uint64, size int64) bool {
	return offset > uint64(size) || length > uint64(size)-offset
}

func elfEnds(file io.ReaderAt, size int64) bool {
	f, err := elf.NewFile(file)
	if err != nil {
		return true
	}
	for _, p := range f.Progs {
		if beyond(p.Off, p.Filesz, size) {
			return true
		}
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS && beyond(s.Offset, s.FileSize, size) {
			return true
		}
	}
	return false
}

func machoEnds(file io.ReaderAt, size int64) bool {
	f, err := macho.NewFile(file)
	if err != nil {
		return true
	}
	for _, load := range f.Loads {
		if s, is := load.(*macho.Segment); is && beyond(s.Offset, s.Filesz, size) {
			return true
		}
	}
	return false
}

// fatEnds looks at the table alone: the magic number is that of Java's class
// files too, which are no such table.
func fatEnds(file io.ReaderAt, size int64) bool {
	f, err := macho.NewFatFile(file)
	if err != nil {
		return false
	}
	for _, arch := range f.Arches {
		if beyond(uint64(arch.Offset), uint64(arch.Size), size) {
			return true
		}
	}
	return false
}

func peEnds(file io.ReaderAt, size int64) bool {
	f, err := pe.NewFile(file)
	if err != nil {
		return true
	}
	for _, s := range f.Sections {
		if beyond(uint64(s.Offset), uint64(s.Size), size) {
			return true
		}
	}
	return false
}
