package fal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	// uploadAttempts is how often each call of an upload is made at most.
	uploadAttempts = 3
	// limitedDelay is waited when the service limits and does not say for how
	// long, uploadFirst before the second attempt otherwise; it doubles.
	limitedDelay = 2 * time.Second
	uploadFirst  = 250 * time.Millisecond
	// uploadPatience is how long a call of an upload may stand still, neither
	// sending nor getting a byte, before it counts as one without an answer. The
	// official client waits as long for an answer.
	uploadPatience = 4 * time.Minute
	// longestDelay is the most that the service may ask for: whoever has to
	// wait longer is told so. It is also the most that is waited unasked.
	longestDelay = time.Minute
)

// uploadDelay is waited behind so many attempts that failed.
func uploadDelay(failed int) time.Duration {
	doubled := uploadFirst << min(failed-1, 16) // more is beyond the longest anyhow
	return min(longestDelay, time.Duration(float64(doubled)*(0.8+0.4*rand.Float64())))
}

// try makes a call of an upload, all of which may be repeated: three times at
// most, after a 429 when the service wants it, and after 5xx and without an
// answer with waits that double, on from those of the passes before.
func (u *uploader) try(ctx context.Context, call *restRequest, client *http.Client) error {
	failed := 0
	return u.client.renewing(ctx, func(ctx context.Context) error {
		for {
			failure, err := call.once(ctx, client)
			if err == nil || failure == refused {
				return err
			}
			failed++
			var wait time.Duration
			if failure == limited {
				wait = call.wait
				if wait < 0 {
					wait = limitedDelay
				}
				if wait > longestDelay {
					return tooLong(err, wait)
				}
				u.pass.limit(wait)
			}
			if before := u.pass.number * uploadAttempts; before > 0 || failure != limited {
				wait = max(wait, uploadDelay(before+failed))
			}
			if failed >= uploadAttempts {
				return err
			}
			if !u.client.pause(ctx, wait) {
				return stoppedWaiting(ctx, call.method, err)
			}
		}
	})
}

// stoppedWaiting is the error of a call between whose attempts the context
// ended.
func stoppedWaiting(ctx context.Context, method string, last error) error {
	switch cause := ctx.Err(); {
	case cause == nil:
		return last
	case errors.Is(cause, context.DeadlineExceeded):
		return &Error{Code: CodeDeadlineExceeded, Method: method, why: CauseTimeout, cause: cause, Message: CodeDeadlineExceeded.words()}
	default:
		return &Error{Code: CodeCanceled, Method: method, cause: cause, Message: CodeCanceled.words()}
	}
}

// A longWait is how long the service asks to wait if nobody should.
type longWait time.Duration

func (w longWait) Error() string {
	return fmt.Sprintf("the service asks to wait %s", time.Duration(w).Round(time.Second))
}

// tooLong is the error of a call that the service limits for longer than is
// waited.
func tooLong(err error, wait time.Duration) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	told := *e
	told.cause = longWait(wait)
	told.Message = e.Message + ": " + told.cause.Error() + " before another attempt"
	return &told
}

// waitsLong reports whether an error is that of a call which the service limits
// for longer than is waited.
func waitsLong(err error) bool {
	var w longWait
	return errors.As(err, &w)
}

// passing reports whether an error may be gone in a while that is worth waiting
// for.
func passing(err error) bool {
	var e *Error
	if !errors.As(err, &e) || waitsLong(err) {
		return false
	}
	switch e.Code {
	case CodeUnavailable, CodeInternal, CodeResourceExhausted:
		return e.why != CauseProtocol && e.why != CauseTLS && e.why != CauseDNS
	}
	return false
}
