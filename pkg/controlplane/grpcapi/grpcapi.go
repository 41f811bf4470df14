// Package grpcapi answers controller.IsolateController out of a state.State.
//
//	server := grpcapi.New(st, shells, deploys)
//	err := server.Serve(listener)
//
// It decodes, authenticates and encodes; what is allowed and what follows is
// decided by state, and what each method needs stands in one table. Each answer carries an x-request-id. Methods that this
// control plane does not serve are UNIMPLEMENTED.
//
// A session of ShellRunner gets a terminal if its client sent a size or named no
// command, and pipes otherwise. It ends with its process, whether or not the
// client has more to say, and everything that was written arrives before the
// exit code. When the client goes, the session is hung up (SIGHUP), and killed
// if it has not ended five seconds later. Who does not read stops the other:
// nothing is kept in between but what the buffers of the system and of HTTP/2
// hold.
//
// A build that fails is not a failed call: BuildEnvironment ends with the status
// INTERNAL_FAILURE after the reason, as a line of its log. RegisterApplication
// returns when the revision is on disk, and with attach_to_deployment when its
// runners have taken over; it fails with FAILED_PRECONDITION when one of them
// could not be started, and the revision stays the app's.
package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// maxMessage is what the service's clients allow both ways, in bytes.
const maxMessage = math.MaxInt32

type server struct {
	controllerpb.UnimplementedIsolateControllerServer
	state   *state.State
	shells  Shells
	deploys Deploys
	now     func() time.Time
}

// New returns a server that is ready to Serve.
func New(st *state.State, shells Shells, deploys Deploys) *grpc.Server {
	s := &server{state: st, shells: shells, deploys: deploys, now: time.Now}
	g := grpc.NewServer(
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.WriteBufferSize(256<<10),
		// Clients ping every 30 s, also without calls.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
	controllerpb.RegisterIsolateControllerServer(g, s)
	return g
}

func (s *server) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := grpc.SetHeader(ctx, requestID()); err != nil {
		return nil, err
	}
	caller, err := s.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, encodeError(err, info.FullMethod)
	}
	response, err := handle(context.WithValue(ctx, callerKey{}, caller), request)
	return response, encodeError(err, info.FullMethod)
}

func (s *server) stream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if err := stream.SetHeader(requestID()); err != nil {
		return err
	}
	caller, err := s.admit(stream.Context(), info.FullMethod)
	if err == nil {
		// A key may be revoked while the call is open.
		ctx, stop := s.state.Attend(context.WithValue(stream.Context(), callerKey{}, caller), caller)
		defer stop()
		err = handle(service, &authenticated{ServerStream: stream, ctx: ctx})
		var refusal *state.Error
		if err != nil && errors.As(context.Cause(ctx), &refusal) {
			err = refusal
		}
	}
	return encodeError(err, info.FullMethod)
}

func requestID() metadata.MD { return metadata.Pairs("x-request-id", uuid.NewString()) }

type callerKey struct{}

// caller returns whom the interceptors authenticated.
func caller(ctx context.Context) state.Caller {
	c, _ := ctx.Value(callerKey{}).(state.Caller)
	return c
}

type authenticated struct {
	grpc.ServerStream
	ctx context.Context
}

func (a *authenticated) Context() context.Context { return a.ctx }

// admit finds out who calls, and whether the call is theirs to make.
func (s *server) admit(ctx context.Context, method string) (state.Caller, error) {
	c, err := s.authenticate(ctx)
	if err != nil {
		return c, err
	}
	need, err := needOf(method)
	if err != nil {
		return c, err
	}
	return c, c.May(need)
}

func (s *server) authenticate(ctx context.Context) (state.Caller, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	id, secret := first(md, "auth-key-id"), first(md, "auth-key")
	scheme, token, _ := strings.Cut(first(md, "authorization"), " ")
	if id == "" && secret == "" && strings.EqualFold(scheme, "Bearer") {
		return s.state.AuthenticateLogin(strings.TrimSpace(token), first(md, "fal-user-id"))
	}
	c, err := s.state.Authenticate(id, secret)
	if err != nil {
		return c, err
	}
	return c, c.ActAs(first(md, "fal-user-id"))
}

func first(md metadata.MD, name string) string {
	if values := md.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// encodeError turns a state.Error into its gRPC status.
func encodeError(err error, method string) error {
	var failure *state.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return status.Error(code(failure.Kind), failure.Message)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	case status.Code(err) == codes.Unimplemented:
		return status.Error(codes.Unimplemented, fmt.Sprintf("the local control plane does not serve %s", path.Base(method)))
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Internal, err.Error())
}

func code(kind state.Kind) codes.Code {
	switch kind {
	case state.Invalid:
		return codes.InvalidArgument
	case state.Unauthenticated:
		return codes.Unauthenticated
	case state.Denied:
		return codes.PermissionDenied
	case state.NotFound:
		return codes.NotFound
	case state.Conflict:
		return codes.FailedPrecondition
	case state.Exists:
		return codes.AlreadyExists
	case state.Exhausted:
		return codes.ResourceExhausted
	}
	return codes.Internal
}
