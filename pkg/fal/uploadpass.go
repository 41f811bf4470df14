package fal

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// uploadPasses is how often the service is gone to with what failed.
const uploadPasses = 3

// A transfer is one thing that goes up. What it got done it does not do again
// when it is sent once more.
type transfer interface {
	send(context.Context) error
	// giveUp is called with those that are not sent any more.
	giveUp(context.Context)
}

// A pass is one go over all that is to be sent.
type pass struct {
	number int // from 0

	mu    sync.Mutex
	sent  bool      // something got through
	err   error     // what failed last in passing
	until time.Time // when the service wants to be asked again
	// How many wholes and parts of them have failed since one got through.
	wholes, parts int
}

// limit notes that the service wants to be left alone for so long.
func (p *pass) limit(wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(wait); until.After(p.until) {
		p.until = until
	}
}

// whole notes how the transfer of a whole ended, part that of a part. What was
// refused or broken off says nothing of the others.
func (p *pass) whole(err error) { p.ended(&p.wholes, err) }
func (p *pass) part(err error)  { p.ended(&p.parts, err) }

func (p *pass) ended(failed *int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		*failed, p.sent = 0, true
	case passing(err):
		*failed++
		p.err = err
	}
}

// failure is the last passing one.
func (p *pass) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// hopeless reports whether so much has failed in a row that nothing more is
// begun in this pass.
func (p *pass) hopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wholes >= uploadsAtOnce || p.parts >= uploadsAtOnce
}

// next is the pass after this one, and how long it has to wait; nil if there is
// none: nothing got through in this one, or it is the last.
func (p *pass) next() (*pass, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sent || p.number+1 >= uploadPasses {
		return nil, 0
	}
	next := &pass{number: p.number + 1}
	return next, max(uploadDelay(next.number*uploadAttempts), time.Until(p.until))
}

// all sends everything. A call that failed for good, three times by itself, does
// not end it at once when the service may only be busy: what it was about is
// taken up where it broke once the others are through, in another pass, and in
// a last one. Before each is waited for longer, and no less than the service
// asked for, as is between the attempts in it. There is no other pass unless
// something got through in the one before: a service that takes nothing is told
// of after three attempts.
func (u *uploader) all(ctx context.Context, transfers []transfer) error {
	left := transfers
	defer func() { u.giveUp(ctx, left) }()
	for {
		var err error
		if left, err = u.once(ctx, left); len(left) == 0 {
			return nil
		}
		if !passing(err) {
			return err
		}
		next, wait := u.pass.next()
		if next == nil {
			return err
		}
		if !u.client.pause(ctx, wait) {
			return stoppedWaiting(ctx, "Deploy", err)
		}
		u.pass = next
	}
}

// once sends what it is given, and answers what is left of it and why. An error
// that does not pass ends it, for everything.
func (u *uploader) once(ctx context.Context, transfers []transfer) (left []transfer, why error) {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtOnce)
	var mu sync.Mutex
	done := make(map[transfer]bool, len(transfers))
	for _, t := range transfers {
		if sending.Err() != nil || u.pass.hopeless() {
			break
		}
		group.Go(func() error {
			err := t.send(sending)
			u.pass.whole(err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done[t] = true
				return nil
			case !passing(err) || sending.Err() != nil:
				return err
			case why == nil:
				why = err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		why = err
	} else if ctx.Err() != nil {
		why = fileError(ctx, ctx.Err())
	}
	for _, t := range transfers {
		if !done[t] {
			left = append(left, t)
		}
	}
	if why == nil && len(left) > 0 {
		why = u.pass.failure() // that kept the rest from being begun
	}
	return left, why
}

// giveUp takes back what can be, as well as that goes in a short time.
func (u *uploader) giveUp(ctx context.Context, left []transfer) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
	defer stop()
	var group errgroup.Group
	group.SetLimit(uploadsAtOnce)
	for _, t := range left {
		group.Go(func() error { t.giveUp(ctx); return nil })
	}
	_ = group.Wait() // of what can not be taken back the service hears no more
}
