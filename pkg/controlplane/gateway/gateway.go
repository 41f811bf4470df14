// Package gateway hands requests for apps to their runners.
//
//	g := gateway.New(st, gateway.Options{})
//	if gateway.Serves(request.URL.EscapedPath()) {
//		g.ServeHTTP(w, request)
//	}
//	g.Close()
//
// /<owner>/<alias>/<path> is /<path> of the app of that alias of the account of
// that nickname. A request is given to the runner of the app with the fewest in
// flight, one of the app's revision if any is up, and waits while all have as many
// as max_multiplexing says; requests are served in the order in which they came.
// That they wait is what the control plane starts runners for.
//
// A public app answers everybody; a private one its owner, by a key or by the
// login of somebody who may act as the owner; a shared one whoever has valid
// credentials of any account. They are sent as to the REST API, in Authorization
// and X-Fal-User-Id, and never get to a runner: a public app gets an Authorization
// that is neither a Key nor a login of this control plane. Connections whose
// credentials are withdrawn are ended.
//
// Bodies are streamed both ways, as they come and of any length; connections that
// switch protocols, as WebSockets do, are passed on, and are in flight until one
// end closes them. Each request has an id, its own X-Fal-Request-Id or a new one,
// which the runner gets and the answer has.
//
// Below /queue/<owner>/<alias> requests are answered later. POST to a path there
// answers with the request's id at once, and where its status, its answer and its
// end are: GET …/requests/<id>/status, GET …/requests/<id> and PUT
// …/requests/<id>/cancel, as the official client asks for them. It waits for a
// runner for as long as it takes, unless starting one fails three times. 1,000 requests are
// known at a time, in memory only: those that are done for an hour, or until there
// are others; bodies and answers have at most 8 MiB, and 256 MiB in all.
//
// What goes wrong is answered with a JSON object with a detail, and the status
//
//   - 401 or 403: the app may not be called so;
//   - 404: there is no such app;
//   - 408: a body that is read before there is a runner for it, one of a known length
//     of at most 64 KiB or one for the queue, did not come within request_timeout;
//   - 429: 1,024 requests of the app wait already;
//   - 502: the runner ended, or did not answer with HTTP, or could not be reached for
//     five seconds though it is up. A request is given to a runner once: if that may
//     have got it, it is not sent again, and else another runner gets it. The one
//     exception is a GET, HEAD, OPTIONS or TRACE without a body that was sent while a
//     server closed a connection that it had kept;
//   - 503: no runner could be started; the detail says why to the owner of an app
//     that is not public, and Retry-After when that is tried again;
//   - 504: no runner had room within startup_timeout and request_timeout, or one
//     had not answered completely request_timeout after it was given the request.
//
// Once an answer has begun it is cut off instead. request_timeout does not hold for
// connections that have switched protocols. When a client goes away its request
// is given up; while it waits for a runner that is noticed if its body is of a
// known length of at most 64 KiB.
package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// RequestID is the header that names a request.
const RequestID = "X-Fal-Request-Id"

// Options configures New; the zero value is good.
type Options struct {
	Logger *slog.Logger // discards when nil
	TLS    bool         // clients speak TLS, which their requests do not show

	// Doubted, if not nil, is told of a runner whose answer asks for its health to
	// be looked at, with X-Fal-Runner-Health-Check. It returns at once.
	Doubted func(runner string)
}

// Gateway is the handler of what Serves. Its methods may be called from any
// goroutine.
type Gateway struct {
	state   *state.State
	logger  *slog.Logger
	secure  bool
	doubted func(runner string)
	deliver *delivery
	proxy   *httputil.ReverseProxy

	unreachable time.Duration // how long a runner may be; unreachableFor

	over context.Context // ended by Close
	end  context.CancelCauseFunc

	jobs jobs

	mu     sync.Mutex
	closed bool
	open   sync.WaitGroup
}

// New returns a gateway to the apps of a state.
func New(st *state.State, o Options) *Gateway {
	g := &Gateway{
		state:   st,
		secure:  o.TLS,
		doubted: o.Doubted,
		logger:  cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),

		unreachable: unreachableFor,
	}
	g.deliver = &delivery{gateway: g, transport: transport(time.Second), brief: transport(brieflyIdle), fresh: transport(0)}
	g.over, g.end = context.WithCancelCause(context.Background())
	g.proxy = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      g.deliver,
		ModifyResponse: g.begun,
		ErrorHandler:   g.failed,
		ErrorLog:       slog.NewLogLogger(g.logger.Handler(), slog.LevelDebug),
	}
	return g
}

// Close ends what is under way and returns when it has ended. What comes later is
// answered with 503.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.end(state.ErrStopping)
	g.open.Wait()
	g.deliver.close()
}

// enter is false once the gateway is closed.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.open.Add(1)
	return true
}

// Serves reports whether a path, as it is escaped, is that of an app.
func Serves(path string) bool {
	_, ok := split(path)
	return ok
}

// address is the parts of a path.
type address struct {
	owner, alias string
	prefix       string // as it is escaped; what follows is the app's
	queue        bool
}

func split(path string) (a address, ok bool) {
	unqueued, queued := strings.CutPrefix(path, queuePrefix+"/")
	if queued {
		a, ok = splitApp("/" + unqueued)
		a.prefix, a.queue = queuePrefix+a.prefix, true
		return a, ok
	}
	return splitApp(path)
}

func splitApp(path string) (a address, ok bool) {
	rest, rooted := strings.CutPrefix(path, "/")
	owner, rest, both := strings.Cut(rest, "/")
	alias, _, _ := strings.Cut(rest, "/")
	if !rooted || !both || owner == "" || alias == "" || state.Reserved(owner) {
		return a, false
	}
	a = address{owner: unescape(owner), alias: unescape(alias), prefix: "/" + owner + "/" + alias}
	return a, !state.Reserved(a.owner)
}

// unreadFor bounds how long the rest of a body may be on its way that nobody waits
// for, since the request has its answer.
const unreadFor = 2 * time.Second

// The causes of the end of a request's context.
var (
	errNoRoom  = errors.New("no runner had room for the request in time")
	errTooLong = errors.New("the request took longer than the app's request_timeout")

	errSlowBody = errors.New("the request's body did not come within the app's request_timeout")
)

// ServeHTTP answers a request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := r.Body
	duplex := g.serve(w, r)
	// The server reads what is left of a body, as it does before a short answer is
	// sent. That only a connection without deadlines is not told is no matter.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(unreadFor))
	if !duplex {
		return
	}
	// A server that finds the end of such a body later than this does not expect it
	// so late, and loses the next request of the connection. What is wrong with either
	// shows there.
	_ = http.NewResponseController(w).Flush()
	_ = body.Close()
}

// serve reports what pass does.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) (duplex bool) {
	id := requestID(r)
	w.Header().Set(RequestID, id)
	if !g.enter() {
		refuse(w, state.ErrStopping)
		return false
	}
	defer g.open.Done()
	at, _ := split(r.URL.EscapedPath())
	app, owner, err := g.find(at)
	if err != nil {
		refuse(w, err)
		return false
	}
	caller, err := g.admit(app, owner, r)
	if err != nil {
		refuse(w, err)
		return false
	}
	if at.queue {
		g.serveQueue(w, r, at, app, owner, caller)
		return false
	}
	ctx, leave := g.attend(r.Context(), caller, owner)
	defer leave()
	if err := prefetch(ctx, w, r, app.RequestTimeout); err != nil {
		refuse(w, err)
		return false
	}
	p := g.passage(app, at, id)
	p.acquire = g.acquirer(app, id, caller)
	if p.runner, p.release, err = p.acquire(ctx, ""); err != nil {
		refuse(w, err)
		return false
	}
	return g.pass(ctx, w, r, p)
}

// attend returns the context of a request of a caller, who may be nobody.
func (g *Gateway) attend(ctx context.Context, caller state.Caller, owner state.Account) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(g.over, func() { cancel(context.Cause(g.over)) })
	ctx, done := g.state.AttendApp(ctx, caller, owner)
	return ctx, func() {
		done()
		stop()
		cancel(context.Canceled)
	}
}

// passage is that of a request of an id for an app.
func (g *Gateway) passage(app *state.App, at address, id string) *passage {
	return &passage{
		id: id, prefix: at.prefix, limit: app.RequestTimeout, secure: g.secure,
		public: state.AuthMode(app.AuthMode) == state.Public, ours: g.isOurs,
	}
}

// acquirer waits for as long as a runner may take to start, and the requests before
// this one to be answered.
func (g *Gateway) acquirer(app *state.App, id string, caller state.Caller) acquirer {
	return func(ctx context.Context, avoid string) (*state.Runner, func(), error) {
		ctx, cancel := context.WithTimeoutCause(ctx, app.StartupTimeout+app.RequestTimeout, errNoRoom)
		defer cancel()
		r, release, err := g.state.AcquireOther(ctx, app, id, caller.Account.UserID, avoid)
		return r, release, discreet(err, app, caller)
	}
}

// discreet keeps from all but the app's owner why a runner did not start, which its
// program says.
func discreet(err error, app *state.App, caller state.Caller) error {
	var start *state.StartError
	if !errors.As(err, &start) || caller.Account.ID == app.Account {
		return err
	}
	return &state.StartError{App: start.App, Runner: start.Runner, RetryAt: start.RetryAt}
}
