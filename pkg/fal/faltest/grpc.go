package faltest

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func methodDescriptor(name string) protoreflect.MethodDescriptor {
	service := controllerpb.File_controller_proto.Services().ByName("IsolateController")
	return service.Methods().ByName(protoreflect.Name(name))
}

// serveGRPC speaks gRPC over HTTP/2 by itself: a real server would not let us
// misbehave.
func (s *Server) serveGRPC(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/controller.IsolateController/")
	method := methodDescriptor(name)
	if !ok || method == nil {
		s.answer(w, Fail(fal.CodeUnimplemented, "unknown method "+r.URL.Path), nil)
		return
	}
	request, err := readMessage(r.Body, method.Input())
	if err != nil {
		s.answer(w, Fail(fal.CodeInternal, err.Error()), nil)
		return
	}
	call := Call{Transport: GRPC, Method: name, Metadata: metadataOf(r.Header), Request: toJSON(request)}
	s.record(call)
	if handler := s.streamHandler(name); handler != nil {
		s.serveStream(w, r, method, request, handler)
		return
	}
	answer, output := s.next(name, call, request)
	if answer.act != nil {
		answer.act(w, r, connOf(r))
		return
	}
	if output == nil {
		for _, text := range answer.messages {
			m := newMessage(method.Output())
			if err := protojson.Unmarshal([]byte(text), m); err != nil {
				s.t.Errorf("faltest: the answer to %s: %v", name, err)
				answer = Fail(fal.CodeInternal, "the test's answer is no "+string(method.Output().FullName()))
				break
			}
			output = append(output, m)
		}
		if len(answer.messages) == 0 && !method.IsStreamingServer() {
			output = append(output, newMessage(method.Output()))
		}
	}
	s.answer(w, answer, output)
	if answer.lost {
		_ = http.NewResponseController(w).Flush()
		connOf(r).hangUp()
	}
}

// next finds the answer to a call; the messages are nil unless they are not
// those of the answer.
func (s *Server) next(name string, call Call, request proto.Message) (Answer, []proto.Message) {
	s.mu.Lock()
	if script := s.scripts[name]; len(script) > 0 {
		s.scripts[name] = script[1:]
		s.mu.Unlock()
		return script[0], nil
	}
	handler := s.handlers[name]
	s.mu.Unlock()
	if handler != nil {
		return handler(call), nil
	}
	for _, serve := range []func(proto.Message) (Answer, []proto.Message){
		s.serveRunners, s.serveApps, s.serveRevisions, s.serveKeys, s.serveSecrets, s.serveEnvironments, s.serveDeploys,
	} {
		if answer, output := serve(request); output != nil || answer.code != 0 {
			return answer, output
		}
	}
	return Answer{}, nil
}

func (s *Server) answer(w http.ResponseWriter, a Answer, output []proto.Message) {
	w.Header().Set("Content-Type", "application/grpc")
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	prefix := http.TrailerPrefix
	if a.code != 0 && len(a.header) == 0 {
		prefix = "" // an answer of trailers alone
	} else {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
	}
	if a.code == 0 {
		for _, m := range output {
			if err := writeMessage(w, m); err != nil {
				return
			}
		}
	}
	if a.lost {
		return
	}
	for name, value := range a.trailer {
		w.Header().Set(prefix+name, value)
	}
	w.Header().Set(prefix+"Grpc-Status", strconv.Itoa(int(a.code)))
	if a.message != "" {
		w.Header().Set(prefix+"Grpc-Message", percentEncode(a.message))
	}
}

func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err) // the generated code registers each of its messages
	}
	return t.New().Interface()
}

func readMessage(r io.Reader, d protoreflect.MessageDescriptor) (proto.Message, error) {
	var prefix [5]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	if prefix[0] != 0 {
		return nil, fmt.Errorf("compressed messages are not supported")
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(binary.BigEndian.Uint32(prefix[1:]))))
	if err != nil {
		return nil, err
	}
	m := newMessage(d)
	return m, proto.Unmarshal(data, m)
}

func writeMessage(w io.Writer, m proto.Message) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(framed(data))
	return err
}

// framed puts a message into gRPC's frame: not compressed, and its length.
func framed(message []byte) []byte {
	prefix := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(message)))
	return append(prefix, message...)
}

// toJSON is a message's JSON with the wire's names, compact: protojson varies
// its spaces on purpose.
func toJSON(m proto.Message) json.RawMessage {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		panic(err) // it was just read from the wire
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		panic(err)
	}
	text, err = json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// percentEncode writes a status message as gRPC wants it in a header.
func percentEncode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func connOf(r *http.Request) *trackedConn {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	tracked, _ := conn.(*trackedConn)
	return tracked
}
