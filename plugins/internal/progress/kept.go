package progress

import (
	"bytes"
	"slices"
	"sync"
)

// kept are the last lines of a log.
type kept struct {
	lines   []logLine // those before first are dropped
	first   int
	bytes   int
	dropped int
	details bool // there are such lines
}

// logLine is a line of a log; a detail is for a log that is shown whole.
type logLine struct {
	text   string
	detail bool
}

// lineCost is what a line takes beside its text, in bytes.
const lineCost = 32

// add keeps a line, and drops the oldest ones when there would be more than
// most bytes; the last one stays in any case.
func (k *kept) add(line logLine, most int) {
	k.details = k.details || line.detail
	k.lines = append(k.lines, line)
	k.bytes += len(line.text) + lineCost
	for k.bytes > most && k.first < len(k.lines)-1 {
		k.bytes -= len(k.lines[k.first].text) + lineCost
		k.lines[k.first] = logLine{}
		k.first++
		k.dropped++
	}
	if k.first > len(k.lines)/2 {
		k.lines = append(k.lines[:0:0], k.lines[k.first:]...)
		k.first = 0
	}
}

// all are the lines, the oldest first.
func (k *kept) all() []string {
	var lines []string
	for _, l := range k.lines[k.first:] {
		lines = append(lines, l.text)
	}
	return lines
}

// last are at most n of the lines that are no details, the oldest first.
func (k *kept) last(n int) []string {
	var lines []string
	for i := len(k.lines) - 1; i >= k.first && len(lines) < n; i-- {
		if l := k.lines[i]; !l.detail {
			lines = append(lines, l.text)
		}
	}
	slices.Reverse(lines)
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
