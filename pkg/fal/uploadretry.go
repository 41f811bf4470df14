package fal

import (
	"context"
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
	// longestDelay is the most that the service may ask for: whoever has to
	// wait longer is told so.
	longestDelay = time.Minute
	uploadFirst  = 250 * time.Millisecond
)

func uploadDelay(attempt int) time.Duration {
	return time.Duration(float64(uploadFirst<<(attempt-1)) * (0.8 + 0.4*rand.Float64()))
}

// try makes a call of an upload, all of which may be repeated.
func (u *uploader) try(ctx context.Context, call *restRequest, client *http.Client) error {
	return u.client.renewing(ctx, func(ctx context.Context) error {
		for n := 1; ; n++ {
			failure, err := call.once(ctx, client)
			if err == nil || n >= uploadAttempts {
				return err
			}
			var wait time.Duration
			switch failure {
			case refused:
				return err
			case limited:
				if wait = call.wait; wait < 0 {
					wait = limitedDelay
				}
			case unavailable, broken:
				wait = uploadDelay(n)
			}
			if wait > longestDelay || !u.client.pause(ctx, wait) {
				return err
			}
		}
	})
}
