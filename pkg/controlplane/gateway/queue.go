package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// queuePrefix is before the paths of apps whose requests are not waited for.
const queuePrefix = "/queue"

// The bounds of the queue.
const (
	maxJobs     = 1000      // that are known at a time
	maxJobBytes = 8 << 20   // of a request's body, and of an answer's
	maxAllBytes = 256 << 20 // of all that are known
	keptFor     = time.Hour // after its end
)

// jobs are the requests of the queue, in the order in which they came.
type jobs struct {
	mu    sync.Mutex
	list  []*job
	bytes int64 // of bodies and answers
}

// job is a request that is answered later.
type job struct {
	id      string
	account int64 // the app's
	alias   string
	caller  int64 // 0 for nobody
	end     context.CancelCauseFunc
	size    int64

	// guarded by jobs.mu
	begun  time.Time // when a runner got it
	ended  time.Time
	answer *recorder
}

func (j *job) of(app *state.App) bool { return j.account == app.Account && j.alias == app.Alias }

// add makes a job known; an Exhausted *state.Error when there are too many.
func (q *jobs) add(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := 0; i < len(q.list); {
		old := q.list[i]
		full := len(q.list) >= maxJobs || q.bytes+j.size > maxAllBytes
		if !old.ended.IsZero() && (full || time.Since(old.ended) > keptFor) {
			q.removeAt(i)
			continue
		}
		i++
	}
	if len(q.list) >= maxJobs || q.bytes+j.size > maxAllBytes {
		return &state.Error{Kind: state.Exhausted, Message: "the queue is full"}
	}
	q.list = append(q.list, j)
	q.bytes += j.size
	return nil
}

// removeAt needs jobs.mu.
func (q *jobs) removeAt(i int) {
	q.bytes -= q.list[i].size
	q.list = append(q.list[:i:i], q.list[i+1:]...)
}

func (q *jobs) remove(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.list {
		if q.list[i] == j {
			q.removeAt(i)
			return
		}
	}
}

// find returns a job of an app, as it is now, and how many wait before it; nil
// when it is not known.
func (q *jobs) find(app *state.App, id string) (found *job, now job, before int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.list {
		switch {
		case !j.of(app):
		case j.id == id:
			return j, *j, before
		case j.begun.IsZero() && j.ended.IsZero():
			before++
		}
	}
	return nil, now, 0
}

func (q *jobs) begin(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.begun = time.Now()
}

// grow makes room for more of an answer, in place of those that ended first.
func (q *jobs) grow(j *job, n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := 0; i < len(q.list) && q.bytes+n > maxAllBytes; {
		if q.list[i].ended.IsZero() {
			i++
			continue
		}
		q.removeAt(i)
	}
	if q.bytes+n > maxAllBytes || !slices.Contains(q.list, j) {
		return false
	}
	j.size += n
	q.bytes += n
	return true
}

func (q *jobs) finish(j *job, answer *recorder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.ended, j.answer = time.Now(), answer
	if j.begun.IsZero() {
		j.begun = j.ended
	}
	grown := int64(answer.body.Len()) - j.size
	j.size += grown
	for _, known := range q.list {
		if known == j {
			q.bytes += grown
		}
	}
}

// serveQueue answers what is below queuePrefix.
func (g *Gateway) serveQueue(w http.ResponseWriter, r *http.Request, at address, app *state.App, owner state.Account, caller state.Caller) {
	rest := strings.Trim(strings.TrimPrefix(r.URL.EscapedPath(), at.prefix), "/")
	parts := strings.Split(rest, "/")
	if r.Method == http.MethodPost {
		g.submit(w, r, at, app, owner, caller)
		return
	}
	if parts[0] != "requests" || len(parts) < 2 || len(parts) > 3 {
		refuse(w, &state.Error{Kind: state.NotFound, Message: r.Method + " " + r.URL.Path + " is not served here"})
		return
	}
	j, now, before := g.jobs.find(app, unescape(parts[1]))
	if j == nil || !g.mayLook(app, caller, j) {
		refuse(w, &state.Error{Kind: state.NotFound, Message: "request " + unescape(parts[1]) + " not found"})
		return
	}
	switch what := strings.Join(append(parts[2:], r.Method), " "); what {
	case "GET", "HEAD":
		result(w, &now)
	case "status GET", "status HEAD":
		g.tellStatus(w, r, at, &now, before)
	case "cancel PUT":
		g.cancelJob(w, j, &now)
	default:
		refuse(w, &state.Error{Kind: state.NotFound, Message: r.Method + " " + r.URL.Path + " is not served here"})
	}
}

// mayLook holds for whoever sent the request, and for the app's owner; for
// everybody if the app is public.
func (g *Gateway) mayLook(app *state.App, caller state.Caller, j *job) bool {
	return state.AuthMode(app.AuthMode) == state.Public || caller.Account.ID == j.caller || caller.Account.ID == app.Account
}

// urls of a job, as clients follow them.
type urls struct {
	RequestID string `json:"request_id"`
	Response  string `json:"response_url"`
	Status    string `json:"status_url"`
	Cancel    string `json:"cancel_url"`
}

func (g *Gateway) urls(r *http.Request, at address, id string) urls {
	scheme := "http://"
	if g.secure {
		scheme = "https://"
	}
	base := scheme + r.Host + at.prefix + "/requests/" + id
	return urls{RequestID: id, Response: base, Status: base + "/status", Cancel: base + "/cancel"}
}

// submitted and queueStatus are answers of the queue.
type submitted struct {
	Status   string `json:"status"`
	Position int    `json:"queue_position"`
	urls
}

type queueStatus struct {
	Status   string   `json:"status"`
	Position *int     `json:"queue_position,omitempty"`
	Logs     []string `json:"logs"` // always null: a runner's log is of all its requests
	Metrics  *metrics `json:"metrics,omitempty"`
	Error    string   `json:"error,omitempty"`
	urls
}

type metrics struct {
	InferenceTime float64 `json:"inference_time"` // seconds
}

func (g *Gateway) submit(w http.ResponseWriter, r *http.Request, at address, app *state.App, owner state.Account, caller state.Caller) {
	attended, leave := g.attend(r.Context(), caller, owner)
	body, err := readBody(attended, w, http.MaxBytesReader(w, r.Body, maxJobBytes), app.RequestTimeout)
	leave()
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		tell(w, http.StatusRequestEntityTooLarge, detail{"a request in the queue has a body of at most 8 MiB"})
		return
	case err != nil:
		refuse(w, err)
		return
	}
	ctx, end := context.WithCancelCause(context.WithoutCancel(r.Context()))
	j := &job{id: uuid.NewString(), account: app.Account, alias: app.Alias, caller: caller.Account.ID, end: end, size: int64(len(body))}
	if err := g.jobs.add(j); err != nil {
		end(err)
		refuse(w, err)
		return
	}
	if !g.enter() {
		end(state.ErrStopping)
		g.jobs.remove(j)
		refuse(w, state.ErrStopping)
		return
	}
	// Those of a client are not ended with its credentials: it may come back with
	// others.
	later := r.Clone(ctx)
	later.Body, later.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	later.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	later.Header.Del("Expect")
	later.Header.Del("Upgrade") // nobody would be at the other end
	_, _, before := g.jobs.find(app, j.id)
	go func() {
		defer g.open.Done()
		defer end(context.Canceled)
		g.answerJob(ctx, later, at, app, caller, j)
	}()
	w.Header().Set(RequestID, j.id)
	tell(w, http.StatusOK, submitted{Status: "IN_QUEUE", Position: before, urls: g.urls(r, at, j.id)})
}

// answerJob has a runner answer a job, whenever one has room.
func (g *Gateway) answerJob(ctx context.Context, r *http.Request, at address, app *state.App, caller state.Caller, j *job) {
	stop := context.AfterFunc(g.over, func() { j.end(context.Cause(g.over)) })
	defer stop()
	answer := &recorder{header: make(http.Header), status: http.StatusOK, room: func(n int) bool { return g.jobs.grow(j, int64(n)) }}
	defer func() {
		// The proxy ends an answer so that it cannot complete.
		if failure := recover(); failure != nil && failure != any(http.ErrAbortHandler) {
			panic(failure)
		} else if failure != nil {
			answer = &recorder{header: make(http.Header)}
			tell(answer, http.StatusBadGateway, detail{"the runner's answer broke off, or has more than 8 MiB"})
		}
		g.jobs.finish(j, answer)
	}()
	p := g.passage(app, at, j.id)
	p.acquire = g.patiently(app, j.id, caller)
	var err error
	if p.runner, p.release, err = p.acquire(ctx, ""); err != nil {
		if !errors.Is(err, errCancelled) {
			refuse(answer, err)
		}
		return
	}
	g.jobs.begin(j)
	g.pass(ctx, answer, r, p)
}

// maxStarts bounds the failures to start that a job waits through.
const maxStarts = 3

// patiently waits for as long as it takes, also until a runner that did not start
// is tried again.
func (g *Gateway) patiently(app *state.App, id string, caller state.Caller) acquirer {
	return func(ctx context.Context, avoid string) (*state.Runner, func(), error) {
		failures, last := 0, state.StartError{}
		for {
			r, release, err := g.state.AcquireOther(ctx, app, id, caller.Account.UserID, avoid)
			var start *state.StartError
			if !errors.As(err, &start) {
				return r, release, err
			}
			if *start != last { // and not one that was told of before
				failures, last = failures+1, *start
			}
			if failures == maxStarts {
				return nil, nil, discreet(err, app, caller)
			}
			timer := time.NewTimer(max(time.Until(start.RetryAt), firstRetry))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil, nil, context.Cause(ctx)
			}
		}
	}
}

// errCancelled is why a job ends that is not wanted any more.
var errCancelled = errors.New("the request was cancelled")

func (g *Gateway) cancelJob(w http.ResponseWriter, j, now *job) {
	if !now.ended.IsZero() {
		tell(w, http.StatusBadRequest, map[string]string{"status": "ALREADY_COMPLETED"})
		return
	}
	j.end(errCancelled)
	g.jobs.remove(j)
	tell(w, http.StatusAccepted, map[string]string{"status": "CANCELLATION_REQUESTED"})
}

func (g *Gateway) tellStatus(w http.ResponseWriter, r *http.Request, at address, now *job, before int) {
	s := queueStatus{urls: g.urls(r, at, now.id)}
	code := http.StatusAccepted
	switch {
	case !now.ended.IsZero():
		s.Status, code = "COMPLETED", http.StatusOK
		s.Metrics = &metrics{now.ended.Sub(now.begun).Seconds()}
		if now.answer.status >= http.StatusBadRequest {
			s.Error = now.answer.text()
		}
	case !now.begun.IsZero():
		s.Status = "IN_PROGRESS"
	default:
		s.Status, s.Position = "IN_QUEUE", &before
	}
	tell(w, code, s)
}

// result gives back what the runner answered.
func result(w http.ResponseWriter, now *job) {
	if now.ended.IsZero() {
		tell(w, http.StatusBadRequest, detail{"request " + now.id + " is still in progress"})
		return
	}
	header := w.Header()
	for name, values := range now.answer.header {
		header[name] = values
	}
	header.Set(RequestID, now.id)
	header.Del("Content-Length")
	w.WriteHeader(now.answer.status)
	// A client that has gone away cannot be told.
	_, _ = w.Write(now.answer.body.Bytes())
}

type detail struct {
	Detail string `json:"detail"`
}

func tell(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A client that has gone away cannot be told.
	_ = json.NewEncoder(w).Encode(body)
}

// recorder keeps an answer of at most maxJobBytes.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	room   func(n int) bool // for more bytes; nil: there is always room
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) Flush()              {}

func (r *recorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.body.Len()+len(p) > maxJobBytes || r.room != nil && !r.room(len(p)) {
		return 0, errors.New("the answer is too long to be kept")
	}
	return r.body.Write(p)
}

// text is how the body begins.
func (r *recorder) text() string {
	return strings.ToValidUTF8(string(r.body.Bytes()[:min(r.body.Len(), 4096)]), "\uFFFD")
}
