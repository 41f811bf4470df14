package faltest

import (
	"maps"
	"net/http"

	"github.com/fal-plugins/fal/pkg/fal"
)

// An Answer is what the server does with one gRPC call.
type Answer struct {
	act             func(w http.ResponseWriter, r *http.Request, conn *trackedConn)
	messages        []string
	code            fal.Code
	message         string
	header, trailer map[string]string
	lost            bool
}

// Reply answers with a message as protobuf JSON, with several on a stream, or,
// given none, with the empty message.
func Reply(messages ...string) Answer { return Answer{messages: messages} }

// Fail answers with a status, without a message.
func Fail(code fal.Code, message string) Answer { return Answer{code: code, message: message} }

// WithHeader adds metadata that comes before the answer. Names are in lower case.
func (a Answer) WithHeader(name, value string) Answer {
	a.header = with(a.header, name, value)
	return a
}

// WithTrailer adds metadata that comes after the answer. Names are in lower case.
func (a Answer) WithTrailer(name, value string) Answer {
	a.trailer = with(a.trailer, name, value)
	return a
}

func with(m map[string]string, name, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = make(map[string]string)
	}
	m[name] = value
	return m
}

// ThenLost closes the connection behind the messages of the answer, in place of
// ending the call.
func (a Answer) ThenLost() Answer {
	a.lost = true
	return a
}

// Hang never answers; it ends with the call.
func Hang() Answer {
	return Answer{act: func(_ http.ResponseWriter, r *http.Request, _ *trackedConn) { <-r.Context().Done() }}
}

// Drop closes the connection after the request was received.
func Drop() Answer {
	return Answer{act: func(_ http.ResponseWriter, _ *http.Request, conn *trackedConn) { _ = conn.Close() }}
}

// Reset resets the connection after the request was received.
func Reset() Answer {
	return Answer{act: func(_ http.ResponseWriter, _ *http.Request, conn *trackedConn) { conn.reset() }}
}

// Rubbish answers on an orderly connection with bytes that are no HTTP/2.
func Rubbish() Answer {
	return Answer{act: func(_ http.ResponseWriter, _ *http.Request, conn *trackedConn) {
		_, _ = conn.Write([]byte("this is no answer to anything that was asked, and it is long enough for several frames"))
		_ = conn.Close()
	}}
}

// Broken answers with a message of these bytes, whatever they are.
func Broken(message []byte) Answer {
	return Answer{act: func(w http.ResponseWriter, _ *http.Request, _ *trackedConn) {
		w.Header().Set("Content-Type", "application/grpc")
		_, _ = w.Write(framed(message))
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}}
}

// HTTP answers as a gateway does that speaks HTTP/2 and not gRPC.
func HTTP(status int, contentType, body string) Answer {
	return Answer{act: func(w http.ResponseWriter, _ *http.Request, _ *trackedConn) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}}
}
