package runtime

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxLine is the length in bytes at which a line is cut into pieces.
	maxLine = 64 << 10

	// drainDelay is how long the output may stay silent after the end of the
	// process before it is given up because something that escaped holds it open.
	drainDelay = 2 * time.Second

	// drainLimit is more than a pipe holds: what is read beyond it after the end
	// of the process was written by something that escaped.
	drainLimit = 256 << 10
)

// Source is the stream that a line was written to.
type Source int

// The streams of a process, numbered like their file descriptors.
const (
	Stdout Source = 1
	Stderr Source = 2
)

// String returns "stdout" or "stderr".
func (s Source) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// Line is a line of output without its end ("\n" or "\r\n"). Text has at most
// 64 KiB: a longer line arrives as several. Its bytes are those that were
// written, valid UTF-8 or not. Time is when it was read.
type Line struct {
	Time   time.Time
	Source Source
	Text   string
}

// splitter cuts a stream into lines. The zero value is ready for use.
type splitter struct {
	partial []byte
	cut     bool // a piece of the present line has been emitted
}

func (s *splitter) feed(data []byte, emit func(text string)) {
	for len(data) > 0 {
		chunk, rest, ended := bytes.Cut(data, []byte{'\n'})
		for len(s.partial)+len(chunk) > maxLine {
			n := maxLine - len(s.partial)
			s.partial = append(s.partial, chunk[:n]...)
			chunk = chunk[n:]
			emit(string(s.partial))
			s.partial, s.cut = s.partial[:0], true
		}
		s.partial = append(s.partial, chunk...)
		if !ended {
			return
		}
		s.end(emit)
		data = rest
	}
}

// close emits what came after the last line end.
func (s *splitter) close(emit func(text string)) {
	if len(s.partial) > 0 {
		s.end(emit)
	}
}

func (s *splitter) end(emit func(text string)) {
	text := bytes.TrimSuffix(s.partial, []byte{'\r'})
	if len(text) > 0 || !s.cut {
		emit(string(text))
	}
	s.partial, s.cut = s.partial[:0], false
}

// output reads both streams of a process.
type output struct {
	stdout, stderr *os.File
	receive        func(Line)

	mu       sync.Mutex // serialises receive
	draining atomic.Bool
	readers  sync.WaitGroup
}

func (o *output) start() {
	o.readers.Go(func() { o.read(o.stdout, Stdout) })
	o.readers.Go(func() { o.read(o.stderr, Stderr) })
}

func (o *output) read(file *os.File, source Source) {
	defer file.Close()
	var lines splitter
	emit := func(text string) {
		if o.receive == nil {
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.receive(Line{Time: time.Now(), Source: source, Text: text})
	}
	buffer := make([]byte, 8<<10)
	left := drainLimit
	for left > 0 {
		if o.draining.Load() {
			expect(file)
		}
		n, err := file.Read(buffer)
		lines.feed(buffer[:n], emit)
		if err != nil {
			break
		}
		if o.draining.Load() {
			left -= n
		}
	}
	lines.close(emit)
}

// finish returns when everything that was written has been received.
func (o *output) finish() {
	o.draining.Store(true)
	expect(o.stdout)
	expect(o.stderr)
	o.readers.Wait()
}

// expect lets reads fail after drainDelay. Where pipes have no deadlines
// (Windows) nothing can escape either, and the end of the file comes for certain.
func expect(file *os.File) {
	_ = file.SetReadDeadline(time.Now().Add(drainDelay))
}
