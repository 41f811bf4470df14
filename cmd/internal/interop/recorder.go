package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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
// field names. The recorded calls of testdata have the same shape.
type Call struct {
	Transport string            `json:"transport"`
	Method    string            `json:"method"`
	Metadata  map[string]string `json:"metadata"`
	Request   map[string]any    `json:"request"`
}

// authenticating lists the only metadata that a client chooses for a service;
// the rest (user agent, encodings, deadlines) belongs to its gRPC library.
var authenticating = [...]string{"auth-key", "auth-key-id", "authorization", "fal-user-id"}

// Recorder is a server of any unary method of the control plane. It answers
// each with an empty message and remembers what was asked. Unlike the server of
// faltest it is gRPC's own, whose demands on a client are the service's, and it
// takes notice of fields that our messages lack.
type Recorder struct {
	server *grpc.Server
	addr   string
	served chan error

	mu    sync.Mutex
	calls []Call
	fault error
}

// StartRecorder listens on a free port of 127.0.0.1, in plaintext.
func StartRecorder() (*Recorder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Recorder{addr: listener.Addr().String(), served: make(chan error, 1)}
	r.server = grpc.NewServer(
		grpc.UnknownServiceHandler(r.handle),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

// Addr is the recorder's host:port.
func (r *Recorder) Addr() string { return r.addr }

// Close stops the recorder and waits until it has.
func (r *Recorder) Close() error {
	r.server.Stop()
	return <-r.served
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
	return stream.SendMsg(dynamicpb.NewMessage(method.Output()))
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
	if !ok || method.IsStreamingClient() || method.IsStreamingServer() {
		return nil, fmt.Errorf("%s is no unary method", full)
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
