package fal

import (
	"context"
	"sync"
)

// sharedUploads keep deployments by one client from sending the same file at the
// same time: one does, and the others wait for it. The zero value is ready for use.
type sharedUploads struct {
	mu      sync.Mutex
	users   int // deployments under way
	count   int // files that were completed
	files   map[string]int
	sending map[string]chan struct{} // closed when it is not sent any more
}

// join is called when a deployment begins, and its result when it ends: what was
// completed is known while any is under way.
func (s *sharedUploads) join() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.users--; s.users == 0 {
			s.files = nil
		}
	}
}

// now is a moment that claim takes.
func (s *sharedUploads) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// claim waits until nobody sends a file. It returns true if it was completed since a
// moment; else the caller is the one who sends it until it calls release.
func (s *sharedUploads) claim(ctx context.Context, hash string, since int) (release func(completed bool), isThere bool, err error) {
	s.mu.Lock()
	for s.sending[hash] != nil {
		others := s.sending[hash]
		s.mu.Unlock()
		select {
		case <-others:
		case <-ctx.Done():
			return nil, false, fileError(ctx, ctx.Err())
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.files[hash] > since {
		return nil, true, nil
	}
	if s.sending == nil {
		s.sending = make(map[string]chan struct{})
	}
	over := make(chan struct{})
	s.sending[hash] = over
	return func(completed bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sending, hash)
		close(over)
		if !completed {
			return
		}
		s.count++
		if s.files == nil {
			s.files = make(map[string]int)
		}
		s.files[hash] = s.count
	}, false, nil
}
