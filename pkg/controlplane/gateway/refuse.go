package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// runnerError is what a runner was given a request and failed with.
type runnerError struct {
	runner string
	err    error
	end    string // why it ended, if it did
}

func (e *runnerError) Error() string {
	text := "runner " + e.runner + " gave no answer: " + e.err.Error()
	if e.end != "" {
		text += "; " + e.end
	}
	return text
}
func (e *runnerError) Unwrap() error { return e.err }

// refuse answers instead of a runner.
func refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, context.Canceled) {
		// Nobody is there to read it; the server sees to the connection.
		panic(http.ErrAbortHandler)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	code := status(err)
	var start *state.StartError
	switch {
	case code == http.StatusUnauthorized:
		header["Www-Authenticate"] = []string{"Key", "Bearer"}
	case errors.As(err, &start):
		header.Set("Retry-After", seconds(time.Until(start.RetryAt)))
	case code == http.StatusTooManyRequests:
		header.Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	// A client that has gone away cannot be told.
	_ = json.NewEncoder(w).Encode(restwire.Error{Detail: err.Error()})
}

// seconds rounds up, to one at least.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

func status(err error) int {
	var start *state.StartError
	var runner *runnerError
	var failure *state.Error
	switch {
	case errors.As(err, &start), errors.Is(err, state.ErrStopping):
		return http.StatusServiceUnavailable
	case errors.Is(err, errSlowBody):
		return http.StatusRequestTimeout
	case errors.Is(err, errNoRoom), errors.Is(err, errTooLong):
		return http.StatusGatewayTimeout
	case errors.As(err, &runner):
		return http.StatusBadGateway
	case !errors.As(err, &failure):
		return http.StatusInternalServerError
	}
	switch failure.Kind {
	case state.Invalid:
		return http.StatusBadRequest
	case state.Unauthenticated:
		return http.StatusUnauthorized
	case state.Denied:
		return http.StatusForbidden
	case state.NotFound:
		return http.StatusNotFound
	case state.Exhausted:
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}
