package transport

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// A CallError is a call that did not succeed.
type CallError struct {
	// Status is the server's answer, or what gRPC says in its absence.
	Status *status.Status
	// Answered: the status is the server's own.
	Answered bool
	// Sent: the request, or a part of it, may have left this machine.
	Sent bool
	// Failure is why there was no answer; nil if there was one, or if it is
	// not known or the context ended the call.
	Failure *Failure
	// Header and Trailer are what the server sent, nil if nothing.
	Header, Trailer metadata.MD
	Attempts        int
	// Err, if not nil, is the cause on this side: the context's error or that
	// of Authorize.
	Err error
}

func (e *CallError) Error() string {
	if e.Failure != nil {
		return e.Failure.Error()
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return e.Status.Message()
}

// Unwrap gives the failure and the cause on this side.
func (e *CallError) Unwrap() []error {
	var errs []error
	if e.Failure != nil {
		errs = append(errs, e.Failure)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Invoke makes a unary call. Its errors are of type *[CallError].
func (c *Conn) Invoke(ctx context.Context, method string, request, reply any, options ...grpc.CallOption) error {
	before := c.monitor.count()
	for n := 1; ; n++ {
		a := c.attempt(n, before)
		a.conceal = concealedBy(options)
		err := c.invoke(ctx, a, method, request, reply, options)
		c.report(method, a, err)
		if err == nil {
			return nil
		}
		if !c.again(ctx, n, err, a, isRepeatable(options)) {
			return err
		}
	}
}

func (c *Conn) invoke(ctx context.Context, a *attempt, method string, request, reply any, options []grpc.CallOption) *CallError {
	callCtx, err := c.authorized(ctx)
	if err != nil {
		return refused(ctx, a, err)
	}
	if err := c.cc.Invoke(context.WithValue(callCtx, attemptKey{}, a), method, request, reply, options...); err != nil {
		return c.callError(ctx, a, err)
	}
	return nil
}

// NewStream opens a stream. An attempt to open it is repeated while nothing of
// it has left this machine; what comes after is the caller's.
func (c *Conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	before := c.monitor.count()
	for n := 1; ; n++ {
		a := c.attempt(n, before)
		a.conceal = concealedBy(options)
		var failed *CallError
		callCtx, err := c.authorized(ctx)
		if err != nil {
			failed = refused(ctx, a, err)
		} else {
			s, err := c.cc.NewStream(context.WithValue(callCtx, attemptKey{}, a), desc, method, options...)
			if err == nil {
				return &stream{ClientStream: s, conn: c, ctx: ctx, method: method, attempt: a}, nil
			}
			failed = c.callError(ctx, a, err)
		}
		c.report(method, a, failed)
		if !c.again(ctx, n, failed, a, false) {
			return nil, failed
		}
	}
}

// again decides whether a failed attempt is followed by another, and waits for
// its time.
func (c *Conn) again(ctx context.Context, n int, failed *CallError, a *attempt, repeatable bool) bool {
	switch {
	case n >= maxAttempts, failed.Status.Code() != codes.Unavailable, failed.Err != nil:
		return false
	case failed.Failure != nil && failed.Failure.Permanent:
		return false
	case !repeatable && a.left():
		return false
	}
	again := pause(ctx, n)
	if again {
		c.reconnect(ctx)
	}
	if err := ctx.Err(); err != nil {
		failed.Status, failed.Err = status.FromContextError(err), err
		return false
	}
	return again
}

func (c *Conn) attempt(n int, before uint64) *attempt {
	return &attempt{number: n, started: time.Now(), before: before, failures: c.monitor.count()}
}

// authorized adds the credentials to a context's outgoing metadata. They take
// the place of whatever has the same names there.
func (c *Conn) authorized(ctx context.Context) (context.Context, error) {
	if c.authorize == nil {
		return ctx, nil
	}
	pairs, err := c.authorize(ctx)
	if err != nil || len(pairs) == 0 {
		return ctx, err
	}
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok {
		md = make(metadata.MD, len(pairs))
	}
	for name, value := range pairs {
		md.Set(name, value)
	}
	return metadata.NewOutgoingContext(ctx, md), nil
}

// refused is the error of a call for which there are no credentials.
func refused(ctx context.Context, a *attempt, err error) *CallError {
	st := status.New(codes.Unauthenticated, err.Error())
	if ctx.Err() != nil {
		st, err = status.FromContextError(ctx.Err()), context.Cause(ctx)
	}
	return &CallError{Status: st, Err: err, Attempts: a.number}
}

func (c *Conn) callError(ctx context.Context, a *attempt, err error) *CallError {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := &CallError{Status: status.Convert(err), Answered: a.trailed, Sent: a.sent, Header: a.header, Trailer: a.trailer, Attempts: a.number}
	if e.Answered {
		return e
	}
	switch e.Status.Code() {
	case codes.Canceled:
		if ctx.Err() != nil {
			e.Err = ctx.Err()
		} else if c.closed.Load() {
			e.Err = ErrClosed
		}
	case codes.DeadlineExceeded:
		e.Err = context.DeadlineExceeded
		if !a.sent {
			e.Failure = c.monitor.since(a.before)
		}
	case codes.Unavailable:
		if !a.sent {
			e.Failure = c.monitor.latest()
		} else {
			e.Failure = c.monitor.since(a.failures)
		}
	}
	if e.Failure == nil && e.Err == nil && a.sent && !a.headed {
		e.Failure = foreignAnswer(c.target, e.Status)
	}
	return e
}

// foreignAnswer recognises the status that gRPC makes of an answer that came
// over HTTP/2 and was not gRPC. It holds the HTTP status in its text alone. No
// server can make us believe this by its message: it is looked at only when
// the server answered without the headers of gRPC.
func foreignAnswer(target string, st *status.Status) *Failure {
	const prefix = "unexpected HTTP status code received from server: "
	rest, ok := strings.CutPrefix(st.Message(), prefix)
	if !ok {
		if strings.HasPrefix(st.Message(), "malformed header: ") || strings.HasPrefix(st.Message(), "transport: malformed ") {
			return notGRPC(target, 0, st.Err())
		}
		return nil
	}
	digits, _, _ := strings.Cut(rest, " ")
	code, _ := strconv.Atoi(digits)
	f := notGRPC(target, code, st.Err())
	f.Permanent = false // a gateway whose backend restarts answers so too
	return f
}

type attemptKey struct{}

// An attempt is what the recorder saw of one attempt of a call.
type attempt struct {
	number  int
	started time.Time
	// The monitor's failures before the call and before this attempt.
	before, failures uint64
	conceal          func(string) string // see [Conceal]; may be nil

	mu              sync.Mutex
	sent            bool // the request's headers were handed to a connection
	headed, trailed bool
	request         metadata.MD
	header, trailer metadata.MD
	bytesOut        int
	bytesIn         int
}

// left reports whether any of it may have left this machine.
func (a *attempt) left() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// recorder is the [stats.Handler] that fills in attempts.
type recorder struct{}

func (recorder) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (recorder) HandleRPC(ctx context.Context, s stats.RPCStats) {
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch s := s.(type) {
	case *stats.OutHeader:
		a.sent, a.request = true, s.Header
	case *stats.OutPayload:
		a.bytesOut += s.WireLength
	case *stats.InHeader:
		a.headed, a.header = true, s.Header
	case *stats.InPayload:
		a.bytesIn += s.WireLength
	case *stats.InTrailer:
		a.headed, a.trailed, a.trailer = true, true, s.Trailer
	}
}

func (recorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (recorder) HandleConn(context.Context, stats.ConnStats) {}
