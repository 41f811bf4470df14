package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// A Kind is the cause for which a server could not be reached or understood.
type Kind int

const (
	// KindNone: the server was reached; what it answered is its own word.
	KindNone Kind = iota
	// KindDNS: the name could not be resolved.
	KindDNS
	// KindRefused: nothing listens on the port.
	KindRefused
	// KindTLS: no TLS session came about; mostly the certificate.
	KindTLS
	// KindReset: the connection was closed or reset by the other side.
	KindReset
	// KindTimeout: no connection, or no answer on it, came in time.
	KindTimeout
	// KindProtocol: what answered does not speak gRPC.
	KindProtocol
	// KindNetwork: there is no way to the address, or something else that the
	// operating system says.
	KindNetwork
)

// A Failure is why a connection could not be made or did not last.
type Failure struct {
	Kind   Kind
	Target string // host:port
	// HTTPStatus is what a server that does not speak gRPC answered, or 0.
	HTTPStatus int
	// Err is the cause, as the dialer, the handshake or the socket gave it.
	Err error
	// Permanent: trying again at once cannot help.
	Permanent bool

	text string
}

// Error says in one sentence what went wrong and with which host.
func (f *Failure) Error() string { return f.text }

func (f *Failure) Unwrap() error { return f.Err }

// classifyDial makes a Failure of what a dialer returned.
func classifyDial(target string, err error) *Failure {
	f := &Failure{Target: target, Err: err}
	var dns *net.DNSError
	var refusal *plaintextRefusal
	var proxy *proxyError
	switch {
	case errors.As(err, &refusal):
		f.Kind, f.Permanent, f.text = KindNetwork, true, refusal.Error()
	case errors.As(err, &proxy):
		f.Kind, f.Permanent, f.text = KindNetwork, isFinal(err), proxy.Error()
	case errors.As(err, &dns) && dns.IsTimeout:
		f.Kind = KindDNS
		f.text = fmt.Sprintf("DNS lookup of %s timed out", dns.Name)
	case errors.As(err, &dns) && dns.IsNotFound:
		f.Kind, f.Permanent = KindDNS, true
		f.text = fmt.Sprintf("DNS lookup failed: there is no host %s", dns.Name)
	case errors.As(err, &dns):
		f.Kind = KindDNS
		f.text = fmt.Sprintf("DNS lookup of %s failed: %s", dns.Name, dns.Err)
	case isRefused(err):
		f.Kind = KindRefused
		f.text = fmt.Sprintf("connection refused by %s", target)
	case isReset(err):
		f.Kind = KindReset
		f.text = fmt.Sprintf("connection reset by %s", target)
	case isTimeout(err):
		f.Kind = KindTimeout
		f.text = fmt.Sprintf("timed out connecting to %s", target)
	case isUnreachable(err):
		f.Kind = KindNetwork
		f.text = fmt.Sprintf("no route to %s", target)
	default:
		f.Kind = KindNetwork
		f.text = fmt.Sprintf("cannot connect to %s: %s", target, innermost(err))
	}
	return f
}

// classifyHandshake makes a Failure of what a TLS handshake returned.
func classifyHandshake(target string, err error) *Failure {
	f := &Failure{Kind: KindTLS, Target: target, Err: err, Permanent: true}
	host, _, _ := net.SplitHostPort(target)
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		roots     x509.SystemRootsError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &authority):
		f.text = fmt.Sprintf("TLS certificate of %s is signed by an unknown authority", host)
	case errors.As(err, &hostname):
		f.text = fmt.Sprintf("TLS certificate of %s is for another host: %s", host, hostname.Error())
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.text = fmt.Sprintf("TLS certificate of %s has expired or is not yet valid: %s", host, invalid.Detail)
	case errors.As(err, &invalid):
		f.text = fmt.Sprintf("TLS certificate of %s is not acceptable: %s", host, invalid.Error())
	case errors.As(err, &roots):
		f.text = fmt.Sprintf("TLS certificate of %s cannot be checked: the system's root certificates cannot be read: %v", host, roots.Err)
	case errors.As(err, &record):
		f.text = fmt.Sprintf("TLS handshake with %s failed: it does not speak TLS on this port", target)
	case errors.As(err, &alert):
		f.text = fmt.Sprintf("TLS handshake with %s was refused: %s", target, alert.Error())
	case isTimeout(err):
		f.Kind, f.Permanent = KindTimeout, false
		f.text = fmt.Sprintf("timed out connecting to %s: no answer to the TLS handshake", target)
	case isReset(err):
		f.Kind, f.Permanent = KindReset, false
		f.text = fmt.Sprintf("connection closed by %s during the TLS handshake", target)
	default:
		f.text = fmt.Sprintf("TLS handshake with %s failed: %s", target, innermost(err))
	}
	return f
}

// classifyLoss makes a Failure of the way in which an open connection ended.
// err is the last error of its socket, nil if this side closed it; spoke says
// that the server had begun to speak HTTP/2.
func classifyLoss(target string, err error, spoke bool) *Failure {
	f := &Failure{Kind: KindReset, Target: target, Err: err}
	switch {
	case err == nil, errors.Is(err, net.ErrClosed), isTimeout(err):
		f.Kind = KindTimeout
		if spoke {
			f.text = fmt.Sprintf("%s stopped answering", target)
		} else {
			f.text = fmt.Sprintf("timed out waiting for %s: it accepted the connection and did not answer", target)
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.text = fmt.Sprintf("connection closed by %s", target)
	case isReset(err):
		f.text = fmt.Sprintf("connection reset by %s", target)
	case isUnreachable(err):
		f.Kind = KindNetwork
		f.text = fmt.Sprintf("the way to %s was lost: %s", target, innermost(err))
	default:
		f.text = fmt.Sprintf("connection to %s lost: %s", target, innermost(err))
	}
	return f
}

// notGRPC is the Failure of a server that answers with something else; status
// is its HTTP status, or 0 if it did not answer with HTTP either.
func notGRPC(target string, status int, err error) *Failure {
	f := &Failure{Kind: KindProtocol, Target: target, HTTPStatus: status, Err: err, Permanent: true}
	if status > 0 {
		f.text = fmt.Sprintf("the server at %s does not speak gRPC: it answered with HTTP status %d", target, status)
	} else {
		f.text = fmt.Sprintf("the server at %s does not speak gRPC", target)
	}
	return f
}

// wantsTLS is the Failure of plaintext spoken to a server that speaks TLS.
func wantsTLS(target string) *Failure {
	return &Failure{Kind: KindTLS, Target: target, Permanent: true, text: fmt.Sprintf("the server at %s wants TLS", target)}
}

func isRefused(err error) bool { return anyErrno(err, refusedErrnos()) }

func isReset(err error) bool {
	return anyErrno(err, resetErrnos()) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isUnreachable(err error) bool { return anyErrno(err, unreachableErrnos()) }

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

func anyErrno(err error, of []syscall.Errno) bool {
	for _, errno := range of {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// innermost is the text of the error at the bottom of a chain, without the
// addresses and operations that the layers above it add.
func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return strings.TrimSpace(err.Error())
		}
		err = next
	}
}
