package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	// The messages of the service are registered by what links the SDK.
	_ "github.com/fal-plugins/fal/pkg/fal"
)

// Call is one request as it arrived: the method's short name, the metadata
// that authenticates it, and the message as protobuf JSON with the wire's
// field names; of a REST request its method and path, and its query. The
// recorded calls of testdata have the same shape.
type Call struct {
	Transport string            `json:"transport"`
	Method    string            `json:"method"`
	Metadata  map[string]string `json:"metadata"`
	Request   map[string]any    `json:"request,omitempty"`
	Query     map[string]string `json:"query,omitempty"`
}

// authenticating lists the only metadata that a client chooses for a service;
// the rest (user agent, encodings, deadlines) belongs to its libraries.
var authenticating = [...]string{"auth-key", "auth-key-id", "authorization", "fal-user-id"}

// Recorder is a server of any method of the control plane that takes one
// message, which it answers with one, and of any path of its REST side, on one
// port. It gives each the answer that it was started with, else an empty one,
// and remembers what was asked. Unlike the server of faltest it is gRPC's own,
// whose demands on a client are the service's, and it takes notice of fields
// that our messages lack.
type Recorder struct {
	answers map[string]json.RawMessage
	server  *grpc.Server
	rest    *http.Server
	conns   *splitter
	served  chan error

	mu    sync.Mutex
	calls []Call
	fault error
}

// StartRecorder listens on a free port of 127.0.0.1, in plaintext. The answers
// are protobuf JSON by the short name of a gRPC method ("ListAliases"), or any
// JSON by the method and path of a REST one ("GET /applications/metrics").
func StartRecorder(answers map[string]json.RawMessage) (*Recorder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Recorder{answers: answers, conns: split(listener), served: make(chan error, 3)}
	r.server = grpc.NewServer(
		grpc.UnknownServiceHandler(r.handle),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	r.rest = &http.Server{Handler: http.HandlerFunc(r.handleREST), ReadHeaderTimeout: time.Minute}
	go func() { r.served <- r.conns.accept() }()
	go func() { r.served <- r.server.Serve(r.conns.http2) }()
	go func() { r.served <- r.rest.Serve(r.conns.http1) }()
	return r, nil
}

// Addr is the recorder's host:port.
func (r *Recorder) Addr() string { return r.conns.Addr().String() }

// Close stops the recorder and waits until it has.
func (r *Recorder) Close() error {
	err := errors.Join(r.conns.Close(), r.rest.Close())
	r.server.Stop()
	for range cap(r.served) {
		if e := <-r.served; !errors.Is(e, net.ErrClosed) && !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Take returns the calls since the last Take. An error says that one could not
// be understood: an unknown method, or fields that our .proto files lack.
func (r *Recorder) Take() ([]Call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls, fault := r.calls, r.fault
	r.calls, r.fault = nil, nil
	return calls, fault
}

func (r *Recorder) handleREST(w http.ResponseWriter, request *http.Request) {
	call := Call{Transport: "rest", Method: request.Method + " " + request.URL.Path, Metadata: map[string]string{}}
	for key, values := range request.URL.Query() {
		if call.Query == nil {
			call.Query = make(map[string]string)
		}
		call.Query[key] = strings.Join(values, ", ")
	}
	for _, key := range authenticating {
		if values := request.Header.Values(key); len(values) > 0 {
			call.Metadata[key] = strings.Join(values, ", ")
		}
	}
	r.remember(call, nil)
	answer, ok := r.answers[call.Method]
	if !ok {
		answer = json.RawMessage("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(answer); err != nil {
		r.remember(Call{}, fmt.Errorf("%s: %w", call.Method, err))
	}
}

func (r *Recorder) handle(_ any, stream grpc.ServerStream) error {
	full, _ := grpc.MethodFromServerStream(stream)
	method, err := methodDescriptor(full)
	if err != nil {
		r.remember(Call{}, err)
		return status.Error(codes.Unimplemented, err.Error())
	}
	request := dynamicpb.NewMessage(method.Input())
	if err := stream.RecvMsg(request); err != nil {
		r.remember(Call{}, fmt.Errorf("%s: %w", full, err))
		return err
	}
	call, err := describe(stream.Context(), method, request)
	r.remember(call, err)
	reply := dynamicpb.NewMessage(method.Output())
	if answer, ok := r.answers[string(method.Name())]; ok {
		if err := protojson.Unmarshal(answer, reply); err != nil {
			r.remember(Call{}, fmt.Errorf("the answer to %s: %w", method.Name(), err))
		}
	}
	return stream.SendMsg(reply)
}

func (r *Recorder) remember(call Call, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.fault = errors.Join(r.fault, err)
		return
	}
	r.calls = append(r.calls, call)
}

func methodDescriptor(full string) (protoreflect.MethodDescriptor, error) {
	name := strings.ReplaceAll(strings.TrimPrefix(full, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("method %s: %w", full, err)
	}
	method, ok := found.(protoreflect.MethodDescriptor)
	if !ok || method.IsStreamingClient() {
		return nil, fmt.Errorf("%s is no method of one request", full)
	}
	return method, nil
}

func describe(ctx context.Context, method protoreflect.MethodDescriptor, request protoreflect.ProtoMessage) (Call, error) {
	if unknown := request.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		return Call{}, fmt.Errorf("%s has fields that our %s lacks: % x",
			method.Name(), method.Input().Name(), []byte(unknown))
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(request)
	if err != nil {
		return Call{}, err
	}
	call := Call{Transport: "grpc", Method: string(method.Name()), Metadata: map[string]string{}}
	if err := json.Unmarshal(text, &call.Request); err != nil {
		return Call{}, err
	}
	incoming, _ := metadata.FromIncomingContext(ctx)
	for _, key := range authenticating {
		if values := incoming.Get(key); len(values) > 0 {
			call.Metadata[key] = strings.Join(values, ", ")
		}
	}
	return call, nil
}
