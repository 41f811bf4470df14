package progress

import (
	"bytes"
	"sync"
)

// kept are the last lines of a log.
type kept struct {
	lines   []string // a ring once it is full
	next    int
	dropped int
}

func (k *kept) add(line string) {
	if len(k.lines) < mostLines {
		k.lines = append(k.lines, line)
		return
	}
	k.lines[k.next] = line
	k.next = (k.next + 1) % mostLines
	k.dropped++
}

// last are at most n of the lines, the oldest first.
func (k *kept) last(n int) []string {
	n = max(min(n, len(k.lines)), 0)
	lines := make([]string, 0, n)
	for i := len(k.lines) - n; i < len(k.lines); i++ {
		lines = append(lines, k.lines[(k.next+i)%len(k.lines)])
	}
	return lines
}

// longest bounds a line without an end that is held back, in bytes.
const longest = 64 << 10

// lineWriter cuts what is written into lines.
type lineWriter struct {
	mu   sync.Mutex
	log  func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	if i := bytes.LastIndexByte(w.rest, '\n'); i >= 0 {
		w.log(string(w.rest[:i+1]))
		w.rest = append(w.rest[:0], w.rest[i+1:]...)
	}
	if len(w.rest) > longest {
		w.log(string(w.rest))
		w.rest = w.rest[:0]
	}
	return len(p), nil
}

// flush logs a last line that has no end.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.log(string(w.rest))
		w.rest = nil
	}
}
