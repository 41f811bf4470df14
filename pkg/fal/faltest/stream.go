package faltest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Stream is one call of a method that streams both ways. Receive and Send
// may be used at the same time by one goroutine each.
type Stream struct {
	w      http.ResponseWriter
	r      *http.Request
	method protoreflect.MethodDescriptor
	first  proto.Message
	opened bool
}

// HandleStream answers the calls of a gRPC method that streams both ways, in
// place of scripts and handlers. What the handler returns ends the call: its
// messages are sent and its status follows, or it misbehaves as it says.
func (s *Server) HandleStream(method string, handler func(*Stream) Answer) {
	s.t.Helper()
	s.mustKnow(method)
	if d := methodDescriptor(method); !d.IsStreamingClient() || !d.IsStreamingServer() {
		s.t.Fatalf("faltest: %s does not stream both ways", method)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[method] = handler
}

func (s *Server) streamHandler(method string) func(*Stream) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[method]
}

func (s *Server) serveStream(w http.ResponseWriter, r *http.Request, method protoreflect.MethodDescriptor, first proto.Message, handler func(*Stream) Answer) {
	stream := &Stream{w: w, r: r, method: method, first: first}
	answer := handler(stream)
	if answer.act != nil {
		answer.act(w, r, connOf(r))
		return
	}
	for _, text := range answer.messages {
		if err := stream.Send(text); err != nil {
			return
		}
	}
	if !stream.opened {
		s.answer(w, answer, nil)
		return
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(int(answer.code)))
	if answer.message != "" {
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", percentEncode(answer.message))
	}
}

// Context ends when the client breaks the call off.
func (st *Stream) Context() context.Context { return st.r.Context() }

// Receive is the next message of the client as JSON with the field names of
// the wire, the first one included; io.EOF when the client sends no more.
func (st *Stream) Receive() (json.RawMessage, error) {
	if first := st.first; first != nil {
		st.first = nil
		return toJSON(first), nil
	}
	m, err := readMessage(st.r.Body, st.method.Input())
	if err != nil {
		return nil, err
	}
	return toJSON(m), nil
}

// Open sends the headers of the answer, before any message.
func (st *Stream) Open() error {
	if !st.opened {
		st.opened = true
		st.w.Header().Set("Content-Type", "application/grpc")
		st.w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(st.w).Flush()
}

// Send sends a message, given as protobuf JSON.
func (st *Stream) Send(message string) error {
	m := newMessage(st.method.Output())
	if err := protojson.Unmarshal([]byte(message), m); err != nil {
		return fmt.Errorf("faltest: %w", err)
	}
	if err := st.Open(); err != nil {
		return err
	}
	if err := writeMessage(st.w, m); err != nil {
		return err
	}
	return http.NewResponseController(st.w).Flush()
}
