// Package restapi answers the service's REST side out of a state.State.
//
//	http.Serve(listener, restapi.New(st, restapi.Options{}))
//
// Every call but GET /health, and those of storage whose path is a secret of
// its own, is authenticated with "Authorization: Key
// <id>:<secret>", or "Authorization: Bearer <access token>" and, to act as another
// account than the personal one, "X-Fal-User-Id". Errors are JSON objects with a detail; each answer carries an
// X-Request-Id. It decodes, authenticates and encodes; what is allowed and what
// follows is decided by state.
//
// Logs come as in the service, and where that leaves something open, so: what a
// runner writes has the level STDOUT or STDERR; since is included and until is
// not; a page of history has its newest line first and ends early at 4 MiB of
// messages; a search is for a part of a message, where A to Z are as good as a
// to z; a stream without since begins with the first line that is kept. Streams
// never hold up a runner: they are read from the database, and one that falls
// behind says so in a comment and catches up. They say in an event "end" that
// everything was sent. The life of a runner is part of its log, in lines of the
// source "lifecycle" with the labels event, state and reason; history takes the
// parameter source=lifecycle, which is ours, to read those alone.
//
// App files are taken in parts as the service takes them, and checked against
// their hash when they are complete; whichever account sent a file, a hash that is
// not missing needs not be sent again. What is put into storage is fetched by whoever
// knows its URL until it expires, after a day if the client does not say; an upload
// that is sent again, since its answer was lost, is answered as it was.
package restapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// Options configures New; the zero value is good.
type Options struct {
	KeepAlive time.Duration // how long a stream is silent before a comment is sent; 5 s when 0

	// Files keeps what is uploaded; nil: the calls for it are not there. BaseURL
	// is where they are reached, such as "http://127.0.0.1:41234".
	Files   *files.Store
	BaseURL string
}

type api struct {
	state     *state.State
	files     *files.Store
	baseURL   string
	keepAlive time.Duration
}

// call answers one authenticated request; nil is never a body.
type call func(caller state.Caller, request *http.Request) (body any, err error)

// New returns the handler of every path.
func New(st *state.State, o Options) http.Handler {
	a := &api{state: st, files: o.Files, baseURL: o.BaseURL, keepAlive: cmp.Or(o.KeepAlive, 5*time.Second)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, restwire.Health{Status: "ok"})
	})
	mux.Handle("GET /users/current", a.serve(a.currentUser))
	mux.Handle("GET /users/teams", a.serve(a.teams))
	mux.Handle("GET /runners/{runner_id}", a.serve(a.runner))
	mux.Handle("POST /logs/history", a.serve(a.logHistory))
	mux.HandleFunc("POST /logs/stream", a.streamLogs)
	mux.Handle("GET /applications/metrics", a.serve(a.metrics))
	mux.Handle("GET /applications/{nickname}/{app}/queue", a.serve(a.queue))
	mux.Handle("DELETE /applications/{nickname}/{app}/queue", a.serve(a.flushQueue))
	if a.files != nil {
		a.routeFiles(mux)
		a.routeStorage(mux)
	}
	mux.Handle("/", a.serve(func(_ state.Caller, request *http.Request) (any, error) {
		return nil, &state.Error{Kind: state.NotFound, Message: request.Method + " " + request.URL.Path + " is not served here"}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("X-Request-Id", uuid.NewString())
		mux.ServeHTTP(w, request)
	})
}

func (a *api) serve(c call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var body any
		caller, err := a.authenticate(request)
		if err == nil {
			body, err = c(caller, request)
		}
		if err != nil {
			refuse(w, err)
			return
		}
		answer(w, http.StatusOK, body)
	})
}

func (a *api) authenticate(request *http.Request) (state.Caller, error) {
	scheme, credentials, _ := strings.Cut(request.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return a.state.AuthenticateLogin(strings.TrimSpace(credentials), request.Header.Get("X-Fal-User-Id"))
	}
	id, secret, ok := strings.Cut(strings.TrimSpace(credentials), ":")
	if !strings.EqualFold(scheme, "Key") || !ok {
		id, secret = "", ""
	}
	caller, err := a.state.Authenticate(id, secret)
	if err != nil {
		return caller, err
	}
	if err := caller.ActAs(request.Header.Get("X-Fal-User-Id")); err != nil {
		return caller, err
	}
	// What changes something says so itself.
	return caller, caller.May(state.ToRead)
}

func refuse(w http.ResponseWriter, err error) {
	var invalid *invalidRequest
	if errors.As(err, &invalid) {
		answer(w, http.StatusUnprocessableEntity, restwire.InvalidRequest{Detail: invalid.fields})
		return
	}
	answer(w, status(err), restwire.Error{Detail: err.Error()})
}

func status(err error) int {
	var failure *state.Error
	if !errors.As(err, &failure) {
		return http.StatusInternalServerError
	}
	switch failure.Kind {
	case state.Invalid:
		return http.StatusUnprocessableEntity
	case state.Unauthenticated:
		return http.StatusUnauthorized
	case state.Denied:
		return http.StatusForbidden
	case state.NotFound:
		return http.StatusNotFound
	case state.Conflict, state.Exists:
		return http.StatusConflict
	case state.Exhausted:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	if code == http.StatusUnauthorized {
		w.Header()["Www-Authenticate"] = []string{"Key", "Bearer"}
	}
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(code)
	// A client that has gone away cannot be told.
	_ = json.NewEncoder(w).Encode(body)
}

// instant writes a moment; nil for one that has not come.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.Format(restwire.TimeLayout))
}
