package fal

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// A fake transfer comes to its end, after so many of its parts have failed.
type fakeTransfer struct {
	pass  func() *pass
	fails int
	sent  *atomic.Int32
}

func (f *fakeTransfer) send(context.Context) error {
	for range f.fails {
		f.pass().part(&Error{Code: CodeUnavailable})
	}
	f.sent.Add(1)
	return nil
}

func (f *fakeTransfer) giveUp(context.Context) {}

// What no transfer was begun for, since parts of others failed that came to their
// end otherwise, is not taken for sent.
func TestNothingIsLeftUnsent(t *testing.T) {
	u := &uploader{
		client: &Client{pause: func(context.Context, time.Duration) bool { return true }},
		pass:   new(pass),
	}
	var sent atomic.Int32
	all := make([]transfer, 4*uploadsAtOnce)
	for i := range all {
		all[i] = &fakeTransfer{pass: func() *pass { return u.pass }, sent: &sent}
	}
	all[0].(*fakeTransfer).fails = uploadsAtOnce
	err := u.all(t.Context(), all)
	if n := int(sent.Load()); err != nil || n != len(all) {
		t.Errorf("%d of %d sent, %v", n, len(all), err)
	}
}
