package transport

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
)

// stream makes the errors of a stream *[CallError]s and traces its end.
type stream struct {
	grpc.ClientStream
	conn    *Conn
	ctx     context.Context
	method  string
	attempt *attempt
	once    sync.Once
}

// RecvMsg ends with io.EOF, as that of grpc does.
func (s *stream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		s.once.Do(func() { s.conn.report(s.method, s.attempt, nil) })
		return io.EOF
	}
	failed := s.conn.callError(s.ctx, s.attempt, err)
	s.once.Do(func() { s.conn.report(s.method, s.attempt, failed) })
	return failed
}

// SendMsg answers io.EOF when the stream has ended: RecvMsg tells why.
func (s *stream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return s.conn.callError(s.ctx, s.attempt, err)
}
