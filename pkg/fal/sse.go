package fal

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tmaxmax/go-sse"
)

// largestEvent bounds one server-sent event in bytes.
const largestEvent = 16 << 20

// errPartialEvent is the end of a stream within an event, though the connection
// was closed in order: by something on the way, or by a server that leaves out
// the last empty line.
var errPartialEvent = fmt.Errorf("the last event has no end: %w", io.ErrUnexpectedEOF)

// An event is one server-sent event.
type event struct {
	kind string // of `event:`, mostly empty
	data string
	id   string // the last one that the stream named, this event's or an earlier one's
}

// readEvents goes through the events of a stream. A stream that ends within an
// event is cut, which is an error; one that ends behind an event is not.
func readEvents(body io.Reader) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		whole := &wholeEvents{r: body}
		for e, err := range sse.Read(whole, &sse.ReadConfig{MaxEventSize: largestEvent}) {
			if err != nil {
				if whole.err != nil && !errors.Is(whole.err, io.EOF) {
					err = whole.err // the parser may have stopped for want of a line end
				}
				yield(event{}, err)
				return
			}
			if !yield(event{kind: e.Type, data: e.Data, id: e.LastEventID}, nil) {
				return
			}
		}
	}
}

// wholeEvents makes an error of an end that does not follow an empty line: the
// parser takes what came of the last event for all of it.
type wholeEvents struct {
	r    io.Reader
	last [4]byte
	err  error
}

func (w *wholeEvents) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	read := p[:n]
	for _, c := range read[max(0, n-len(w.last)):] {
		copy(w.last[:], w.last[1:])
		w.last[len(w.last)-1] = c
	}
	if errors.Is(err, io.EOF) && !w.complete() {
		err = errPartialEvent
	}
	if err != nil {
		w.err = err
	}
	return n, err
}

func (w *wholeEvents) complete() bool {
	if w.last == [4]byte{} { // nothing came
		return true
	}
	switch string(w.last[2:]) {
	case "\n\n", "\r\r", "\n\r":
		return true
	}
	return string(w.last[:]) == "\r\n\r\n"
}

// aliveReader calls alive with every read that brings something.
type aliveReader struct {
	r     io.Reader
	alive func()
}

func (a *aliveReader) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.alive()
	}
	return n, err
}
