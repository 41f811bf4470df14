package fal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// RunnersFollowParams are the options of [RunnersService.Follow].
type RunnersFollowParams struct {
	// Since is the time of the first line; zero: a minute ago.
	Since time.Time
	// Until ends the follow when that time has come; zero: nothing does.
	Until time.Time
	// Search is a text that the service looks for in the messages.
	Search string
	// After are the newest lines of the log, sorted, without a gap between them
	// and of the same Search: Follow goes on behind them. Since is not used then.
	After []LogLine
	// NoReconnect makes the first loss of the connection an error.
	NoReconnect bool
	// Patience is how long the service may be silent: the first time before it
	// answers, which is then [ErrDeadlineExceeded], later before the stream is
	// opened again; 0: a minute.
	Patience time.Duration
	// Notice, if not nil, is told when the stream was lost and when it is back,
	// from within the iteration.
	Notice func(FollowNotice)
}

// A FollowNotice says that a follow is or was away.
type FollowNotice struct {
	// Back says that the stream goes on, behind the last line that was seen.
	// Otherwise it was lost, an attempt to open it again has failed, and others
	// follow.
	Back bool
	// Away is the time since it was lost.
	Away time.Duration
	// Err is why it was lost, or why it could not be opened.
	Err error
}

const (
	followBack      = time.Minute // where a follow starts
	followPatience  = time.Minute
	openAttempts    = 5 // until the service has answered for the first time
	steadyStream    = 10 * time.Second
	reopenFirst     = 25 * time.Millisecond // doubling up to reopenMost
	reopenMost      = 5 * time.Second
	logStreamMethod = "POST /logs/stream"
)

// Follow goes through the lines of a runner's log as they are written, until
// the runner has ended and all its lines were given.
//
// A stream that breaks, falls silent or ends before the runner does, be it
// because the service stops, is opened again, five seconds apart at most and as often as it takes, and goes on where
// it was: no line is given twice, and none is left out that the service still
// has. It is taken up a second before the newest line, so that lines which the
// service takes in that late are seen too. Lines are told apart by the event's
// id if the service gives any, by time, level and message otherwise.
//
// Errors are what the service answers: [ErrNotFound], [ErrPermissionDenied] and
// so on, and what it says went wrong in the stream ([ErrUnknown]). Before its
// first answer the rules of any reading call hold.
func (s *RunnersService) Follow(ctx context.Context, id string, params *RunnersFollowParams) iter.Seq2[LogLine, error] {
	if params == nil {
		params = &RunnersFollowParams{}
	}
	return func(yield func(LogLine, error) bool) {
		f := &follower{service: s, id: id, params: *params, give: func(line LogLine) bool { return yield(line, nil) }}
		if f.params.Patience <= 0 {
			f.params.Patience = followPatience
		}
		if f.params.Since.IsZero() {
			f.params.Since = time.Now().Add(-followBack)
		}
		f.seen = newSeenLines(f.params.Since, f.params.After)
		if err := f.run(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(LogLine{}, err)
		}
	}
}

// errStopped ends a follow because nobody wants its lines any more.
var errStopped = errors.New("stopped")

// errSilent is the cause of an attempt's end by patience.
var errSilent = errors.New("nothing came in time")

type follower struct {
	service *RunnersService
	id      string
	params  RunnersFollowParams
	give    func(LogLine) bool
	seen    *seenLines

	eventID  string
	answered bool      // the service has answered once
	lost     time.Time // since when the stream is away; zero: it is not
	why      error     // for which it was lost, nil: there is nothing to say about it
	told     bool      // a notice said so
}

func (f *follower) run(ctx context.Context) error {
	for failures := 0; ; {
		started := time.Now()
		opened, lines, err := f.stream(ctx)
		if errors.Is(err, errStopped) {
			return err
		}
		if ctx.Err() != nil {
			_, err := restFailure(ctx, logStreamMethod, f.service.client.restURL, ctx.Err())
			return err
		}
		if opened && (lines > 0 || time.Since(started) > steadyStream) {
			failures = 0
		}
		failures++
		done, err := f.judge(ctx, opened, err, failures)
		if done || err != nil {
			return err
		}
		delay := min(reopenFirst<<min(failures-1, 10), reopenMost)
		if !sleep(ctx, time.Duration(float64(delay)*(0.8+0.4*rand.Float64()))) {
			_, err := restFailure(ctx, logStreamMethod, f.service.client.restURL, ctx.Err())
			return err
		}
	}
}

// judge decides what follows the end of a stream, or of an attempt to open it:
// the end of the follow, well or with an error, or another attempt.
func (f *follower) judge(ctx context.Context, opened bool, err error, failures int) (done bool, _ error) {
	if err != nil && (!f.passing(err) || f.params.NoReconnect || !f.answered && failures >= openAttempts) {
		return true, err
	}
	if opened {
		f.lost, f.why, f.told = time.Now(), err, false
	}
	if opened && (err == nil || errors.Is(err, errPartialEvent)) {
		done, lifeErr := f.ended(ctx)
		if done || lifeErr != nil && !f.passing(lifeErr) {
			return true, lifeErr
		}
		if f.params.NoReconnect {
			return true, &Error{Code: CodeUnavailable, Method: logStreamMethod, why: CauseReset, Message: "the stream ended before the runner did"}
		}
		if lifeErr != nil {
			opened, err = false, lifeErr
		}
	}
	if !opened && f.answered && !f.told {
		f.told = true
		f.notify(FollowNotice{Away: time.Since(f.lost), Err: err})
	}
	return false, nil
}

// passing reports whether another attempt may help.
func (f *follower) passing(err error) bool {
	if errors.Is(err, ErrUnavailable) {
		var (
			failure *transport.Failure
			own     *Error
		)
		permanent := errors.As(err, &failure) && failure.Permanent || errors.As(err, &own) && own.why == CauseProtocol
		return f.answered || !permanent
	}
	return f.answered && (errors.Is(err, ErrResourceExhausted) || errors.Is(err, ErrInternal) || errors.Is(err, ErrDeadlineExceeded))
}

// ended reports whether the follow is over, and if so gives the lines that the
// stream did not.
func (f *follower) ended(ctx context.Context) (bool, error) {
	if until := f.params.Until; until.IsZero() || time.Now().Before(until) {
		short, cancel := bounded(ctx, f.params.Patience)
		defer cancel()
		life, err := f.service.Life(short, f.id)
		if err != nil || life.EndedAt.IsZero() {
			return false, err
		}
	}
	err := f.catchUp(ctx)
	return err == nil || errors.Is(err, errStopped), err
}

func (f *follower) catchUp(ctx context.Context) error {
	f.seen.resume()
	params := &RunnersLogsParams{Since: f.seen.floor, Until: f.params.Until, Search: f.params.Search, Patience: f.params.Patience}
	for line, err := range f.service.Logs(ctx, f.id, params) {
		if err != nil {
			return err
		}
		if f.seen.take(line) && !f.give(line) {
			return errStopped
		}
	}
	return nil
}

// stream opens the stream once and gives its lines to its end, which is an
// error unless it ended well.
func (f *follower) stream(ctx context.Context) (opened bool, lines int, _ error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if until := f.params.Until; !until.IsZero() {
		// A service that goes on silently is left a while after the end.
		timer := time.AfterFunc(max(time.Until(until), 0)+f.params.Patience, func() { cancel(errSilent) })
		defer timer.Stop()
	}
	watchdog := time.AfterFunc(f.params.Patience, func() { cancel(errSilent) })
	defer watchdog.Stop()

	f.seen.resume()
	query, err := logQuery(logStreamMethod, f.id, f.seen.floor, f.params.Until, f.params.Search)
	if err != nil {
		return false, 0, err
	}
	response, err := f.open(ctx, query)
	if err != nil {
		if context.Cause(ctx) == errSilent {
			err = &Error{Code: CodeDeadlineExceeded, Method: logStreamMethod, why: CauseTimeout, Message: CodeDeadlineExceeded.words()}
		}
		return false, 0, err
	}
	defer response.Body.Close()
	f.answered = true
	if f.params.NoReconnect {
		watchdog.Stop()
	}
	f.back()
	body := &aliveReader{r: response.Body, alive: func() {
		if !f.params.NoReconnect {
			watchdog.Reset(f.params.Patience)
		}
	}}
	for e, err := range readEvents(body) {
		if err != nil {
			if context.Cause(ctx) == errSilent {
				return true, lines, nil
			}
			if errors.Is(err, bufio.ErrTooLong) {
				return true, lines, &Error{Code: CodeDataLoss, Method: logStreamMethod, cause: err,
					Message: fmt.Sprintf("an event of the stream is longer than %d bytes", largestEvent)}
			}
			_, err = restFailure(ctx, logStreamMethod, f.service.client.restURL, err)
			var own *Error
			if errors.As(err, &own) && own.Code == CodeUnavailable {
				return true, lines, err
			}
			return true, lines, &Error{Code: CodeUnavailable, Method: logStreamMethod, why: CauseProtocol, cause: err, Message: "the stream cannot be read: " + err.Error()}
		}
		switch e.kind {
		case restwire.StreamError:
			return true, lines, &Error{Code: CodeUnknown, Method: logStreamMethod, Message: "the service ended the stream: " + e.data}
		case restwire.StreamStop:
			return true, lines, nil
		}
		line, err := decodeLogLine([]byte(e.data))
		if err != nil {
			f.eventID = e.id
			continue // such as a greeting or a farewell
		}
		line.id = e.id
		if f.seen.take(line) {
			lines++ // what comes again is no sign that the stream is steady
			if !f.give(line) {
				return true, lines, errStopped
			}
		}
		f.eventID = e.id
	}
	return true, lines, nil
}

// open makes the request and answers when the stream begins.
func (f *follower) open(ctx context.Context, query url.Values) (response *http.Response, err error) {
	err = f.service.client.renewing(ctx, func(ctx context.Context) error {
		response, err = f.request(ctx, query)
		return err
	})
	return response, err
}

func (f *follower) request(ctx context.Context, query url.Values) (*http.Response, error) {
	c := f.service.client
	u, method := c.restCall(http.MethodPost, "logs/stream", query)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, invalid(method, "%v", err)
	}
	request.Header.Set("Accept", "text/event-stream")
	if f.eventID != "" {
		request.Header.Set("Last-Event-ID", f.eventID)
	}
	response, err := c.rest.Do(request)
	if err != nil {
		_, err := restFailure(ctx, method, u, err)
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		defer response.Body.Close()
		return nil, restError(method, response)
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "text/event-stream" {
		defer response.Body.Close()
		return nil, &Error{Code: CodeUnavailable, Method: method, why: CauseProtocol,
			Message: "the server at " + u.Host + " answered with something that is no stream of events"}
	}
	return response, nil
}

// back says that the stream is there again, if anybody was told or should be.
func (f *follower) back() {
	if !f.lost.IsZero() && (f.told || f.why != nil) {
		f.notify(FollowNotice{Back: true, Away: time.Since(f.lost), Err: f.why})
	}
	f.lost, f.why, f.told = time.Time{}, nil, false
}

func (f *follower) notify(n FollowNotice) {
	if f.params.Notice != nil {
		f.params.Notice(n)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
