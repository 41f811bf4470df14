package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
)

// Repeat makes a call that may be repeated, by the same rule as a [Repeatable]
// gRPC call: while attempt says that another one may help, five times at most,
// and never past the context's deadline.
func Repeat(ctx context.Context, attempt func() (again bool, err error)) error {
	for n := 1; ; n++ {
		again, err := attempt()
		if err == nil || !again || n >= maxAttempts || !pause(ctx, n) {
			return err
		}
	}
}

// ClassifyHTTP makes a Failure of the error with which an [http.Client] with
// this package's RoundTripper failed to get an answer.
func ClassifyHTTP(u *url.URL, err error) *Failure {
	target := u.Host
	var (
		refusal   *plaintextRefusal
		operation *net.OpError
		dns       *net.DNSError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		roots     x509.SystemRootsError
	)
	switch {
	case errors.As(err, &refusal), errors.As(err, &dns), errors.As(err, &operation) && operation.Op == "dial":
		return classifyDial(target, err)
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &roots):
		return classifyHandshake(net.JoinHostPort(u.Hostname(), u.Port()), err)
	case isTimeout(err):
		return &Failure{Kind: KindTimeout, Target: target, Err: err, text: fmt.Sprintf("timed out waiting for %s", target)}
	case isReset(err), errors.Is(err, io.EOF), isUnreachable(err):
		return classifyLoss(target, err, true)
	}
	return &Failure{Kind: KindProtocol, Target: target, Err: err, Permanent: true,
		text: fmt.Sprintf("the server at %s did not answer with HTTP: %s", target, innermost(err))}
}
