package transport

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// The official client's retry policy.
const (
	maxAttempts = 5
	retryFirst  = 100 * time.Millisecond
	retryFactor = 2
	retryMost   = 5 * time.Second
)

type repeatable struct{ grpc.EmptyCallOption }

// Repeatable declares that the server may receive the call more than once, so
// that it is sent again when the server is unavailable. Without it a call is
// sent again only if nothing of it ever left this machine.
func Repeatable() grpc.CallOption { return repeatable{} }

func isRepeatable(options []grpc.CallOption) bool {
	for _, o := range options {
		if _, ok := o.(repeatable); ok {
			return true
		}
	}
	return false
}

// delay is the wait after the nth attempt, 1 being the first: doubling, and
// between 80 and 120 percent of that, so that clients do not come back together.
func delay(n int) time.Duration {
	d := retryFirst
	for range n - 1 {
		d = min(d*retryFactor, retryMost)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// pause waits before the attempt that follows the nth. It reports false, and at
// once, if the context would end first.
func pause(ctx context.Context, n int) bool {
	d := delay(n)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// reconnect waits until the connection is ready or one attempt to make it has
// failed. Without it gRPC would fail a new call with the old attempt's error.
func (c *Conn) reconnect(ctx context.Context) {
	ctx, stop := c.monitor.untilFailure(ctx)
	defer stop()
	c.cc.ResetConnectBackoff()
	for {
		switch state := c.cc.GetState(); state {
		case connectivity.TransientFailure, connectivity.Connecting:
			if !c.cc.WaitForStateChange(ctx, state) {
				return
			}
		default: // an idle connection is made by the call, which waits for it
			return
		}
	}
}
