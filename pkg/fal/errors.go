package fal

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// A Code is the kind of an [Error]; its numbers are those of gRPC.
type Code uint32

const (
	CodeCanceled           Code = 1
	CodeUnknown            Code = 2
	CodeInvalidArgument    Code = 3
	CodeDeadlineExceeded   Code = 4
	CodeNotFound           Code = 5
	CodeAlreadyExists      Code = 6
	CodePermissionDenied   Code = 7
	CodeResourceExhausted  Code = 8
	CodeFailedPrecondition Code = 9
	CodeAborted            Code = 10
	CodeOutOfRange         Code = 11
	CodeUnimplemented      Code = 12
	CodeInternal           Code = 13
	CodeUnavailable        Code = 14
	CodeDataLoss           Code = 15
	CodeUnauthenticated    Code = 16
)

// String is the code's name as gRPC spells it in upper case ("NOT_FOUND").
func (c Code) String() string {
	switch c {
	case CodeCanceled:
		return "CANCELED"
	case CodeInvalidArgument:
		return "INVALID_ARGUMENT"
	case CodeDeadlineExceeded:
		return "DEADLINE_EXCEEDED"
	case CodeNotFound:
		return "NOT_FOUND"
	case CodeAlreadyExists:
		return "ALREADY_EXISTS"
	case CodePermissionDenied:
		return "PERMISSION_DENIED"
	case CodeResourceExhausted:
		return "RESOURCE_EXHAUSTED"
	case CodeFailedPrecondition:
		return "FAILED_PRECONDITION"
	case CodeAborted:
		return "ABORTED"
	case CodeOutOfRange:
		return "OUT_OF_RANGE"
	case CodeUnimplemented:
		return "UNIMPLEMENTED"
	case CodeInternal:
		return "INTERNAL"
	case CodeUnavailable:
		return "UNAVAILABLE"
	case CodeDataLoss:
		return "DATA_LOSS"
	case CodeUnauthenticated:
		return "UNAUTHENTICATED"
	}
	return "UNKNOWN"
}

// words stand in for a message that the server left out.
func (c Code) words() string {
	switch c {
	case CodeCanceled:
		return "the call was canceled"
	case CodeDeadlineExceeded:
		return "no answer in time"
	case CodeUnauthenticated:
		return "the credentials were not accepted"
	case CodeUnknown:
		return "the service failed and did not say why"
	}
	return strings.ToLower(strings.ReplaceAll(c.String(), "_", " "))
}

// codeError is the type of the sentinels: constants, so that no program can
// change what another one compares with.
type codeError Code

func (e codeError) Error() string { return "fal: " + Code(e).words() }

// For errors.Is: each matches an *[Error] with its code.
const (
	ErrCanceled           = codeError(CodeCanceled)
	ErrUnknown            = codeError(CodeUnknown)
	ErrInvalidArgument    = codeError(CodeInvalidArgument)
	ErrDeadlineExceeded   = codeError(CodeDeadlineExceeded)
	ErrNotFound           = codeError(CodeNotFound)
	ErrAlreadyExists      = codeError(CodeAlreadyExists)
	ErrPermissionDenied   = codeError(CodePermissionDenied)
	ErrResourceExhausted  = codeError(CodeResourceExhausted)
	ErrFailedPrecondition = codeError(CodeFailedPrecondition)
	ErrAborted            = codeError(CodeAborted)
	ErrOutOfRange         = codeError(CodeOutOfRange)
	ErrUnimplemented      = codeError(CodeUnimplemented)
	ErrInternal           = codeError(CodeInternal)
	ErrUnavailable        = codeError(CodeUnavailable)
	ErrDataLoss           = codeError(CodeDataLoss)
	ErrUnauthenticated    = codeError(CodeUnauthenticated)
)

// A Cause is why the service could not be reached or understood.
type Cause int

const (
	// CauseNone: the service was reached, and the error is its answer; or the
	// call never got as far as the network.
	CauseNone Cause = iota
	// CauseDNS: the name of the host could not be resolved.
	CauseDNS
	// CauseRefused: nothing listens there.
	CauseRefused
	// CauseTLS: no TLS session came about, mostly because of the certificate.
	CauseTLS
	// CauseReset: the connection was closed or reset by the other side.
	CauseReset
	// CauseTimeout: no connection, or nothing on it, in time.
	CauseTimeout
	// CauseProtocol: what answered is not the service.
	CauseProtocol
	// CauseNetwork: no route, a proxy, or another failure on the way.
	CauseNetwork
)

// String is the cause in a word.
func (c Cause) String() string {
	switch c {
	case CauseNone:
		return "none"
	case CauseDNS:
		return "dns"
	case CauseRefused:
		return "refused"
	case CauseTLS:
		return "tls"
	case CauseReset:
		return "reset"
	case CauseTimeout:
		return "timeout"
	case CauseProtocol:
		return "protocol"
	case CauseNetwork:
		return "network"
	}
	return fmt.Sprintf("cause %d", int(c))
}

// An Error is a call that failed.
type Error struct {
	Code Code
	// Message is what the service said, or what went wrong on the way to it.
	// It may hold any characters.
	Message string
	// RequestID is the service's own name for the call, empty if it gave none.
	RequestID string
	// Method is the call that failed ("StopRunner"), empty if there was none.
	Method string

	why   Cause
	cause error
}

// Error is the message with its call and request id, in one line and without
// control characters.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Method != "" {
		b.WriteString(e.Method)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Message == "" {
		b.WriteString(e.Code.words())
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.RequestID)
	}
	return oneLine(b.String())
}

// Is matches the sentinel of the code.
func (e *Error) Is(target error) bool {
	sentinel, ok := target.(codeError)
	return ok && Code(sentinel) == e.Code
}

// Unwrap is the cause: of a call that ended with its context, the context's
// error; of one that found no connection, the error of the network.
func (e *Error) Unwrap() error { return e.cause }

// Cause tells why the service could not be reached: [CauseNone] if it was.
func (e *Error) Cause() Cause { return e.why }

func oneLine(s string) string {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, field := range fields {
		fields[i] = strings.TrimSpace(field)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.Join(fields, " "))
}

// invalid is the error of a call that is refused before it is made.
func invalid(method, format string, args ...any) *Error {
	return &Error{Code: CodeInvalidArgument, Method: method, Message: fmt.Sprintf(format, args...)}
}

// callError makes an *Error of whatever a call ended with. It is the only
// place that knows how the wire says that something went wrong.
func callError(method string, err error) error {
	if err == nil {
		return nil
	}
	method = methodName(method)
	var failed *transport.CallError
	if !errors.As(err, &failed) {
		return &Error{Code: CodeUnknown, Method: method, Message: err.Error(), cause: err}
	}
	e := &Error{
		Code:      codeOf(failed.Status.Code()),
		Message:   failed.Status.Message(),
		RequestID: requestID(failed.Header, failed.Trailer),
		Method:    method,
		cause:     failed.Err,
	}
	switch own := (*Error)(nil); {
	case errors.Is(failed.Err, transport.ErrClosed):
		e.Code, e.Message = CodeFailedPrecondition, "the client is closed"
	case errors.As(failed.Err, &own):
		return failed.Err
	case failed.Failure != nil:
		e.why = causeOf(failed.Failure.Kind)
		e.Message = failed.Failure.Error()
		if e.cause == nil {
			e.cause = failed.Failure
		}
		if e.Code == CodeDeadlineExceeded || e.Code == CodeCanceled {
			e.Message = e.Code.words() + ": " + e.Message
		} else if e.why == CauseProtocol && e.Code != CodeUnauthenticated && e.Code != CodePermissionDenied {
			e.Code = CodeUnavailable
		}
	case e.Code == CodeDeadlineExceeded && !failed.Answered && !failed.Sent:
		e.why, e.Message = CauseTimeout, "no answer in time: timed out connecting"
	case (e.Code == CodeDeadlineExceeded || e.Code == CodeCanceled) && !failed.Answered:
		e.Message = ""
		if e.Code == CodeDeadlineExceeded {
			e.why = CauseTimeout
		}
	}
	if e.Message == "" {
		e.Message = e.Code.words()
	}
	return e
}

// methodName is a full method name without its service.
func methodName(full string) string { return full[strings.LastIndex(full, "/")+1:] }

func codeOf(c codes.Code) Code {
	if c < codes.Canceled || c > codes.Unauthenticated {
		return CodeUnknown
	}
	return Code(c)
}

func causeOf(k transport.Kind) Cause {
	switch k {
	case transport.KindNone:
		return CauseNone
	case transport.KindDNS:
		return CauseDNS
	case transport.KindRefused:
		return CauseRefused
	case transport.KindTLS:
		return CauseTLS
	case transport.KindReset:
		return CauseReset
	case transport.KindTimeout:
		return CauseTimeout
	case transport.KindProtocol:
		return CauseProtocol
	}
	return CauseNetwork
}

// requestID looks for the service's name of a call in what it sent, trailers
// first: an intermediary can only have added to the headers.
func requestID(header, trailer map[string][]string) string {
	for _, md := range []map[string][]string{trailer, header} {
		for _, name := range []string{"x-fal-request-id", "x-request-id", "request-id"} {
			if values := md[name]; len(values) > 0 && values[0] != "" {
				return values[0]
			}
		}
	}
	return ""
}
