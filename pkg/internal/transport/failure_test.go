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
	"testing"
	"time"
)

func sys(errno syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &os.SyscallError{Syscall: "connect", Err: errno}}
}

func TestClassify(t *testing.T) {
	type classifier func(string, error) *Failure
	loss := func(spoke bool) classifier {
		return func(target string, err error) *Failure { return classifyLoss(target, err, spoke) }
	}
	for name, c := range map[string]struct {
		classify  classifier
		err       error
		kind      Kind
		permanent bool
		words     string
	}{
		"no such host":          {classifyDial, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.x", IsNotFound: true}}, KindDNS, true, "there is no host api.x"},
		"lookup timed out":      {classifyDial, &net.DNSError{Err: "i/o timeout", Name: "api.x", IsTimeout: true}, KindDNS, false, "DNS lookup of api.x timed out"},
		"lookup failed":         {classifyDial, &net.DNSError{Err: "server misbehaving", Name: "api.x", IsTemporary: true}, KindDNS, false, "server misbehaving"},
		"refused":               {classifyDial, sys(refusedErrnos()[0]), KindRefused, false, "connection refused by api.x:443"},
		"reset while dialling":  {classifyDial, sys(resetErrnos()[0]), KindReset, false, "connection reset by api.x:443"},
		"no route":              {classifyDial, sys(unreachableErrnos()[0]), KindNetwork, false, "no route to api.x:443"},
		"dial timed out":        {classifyDial, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, KindTimeout, false, "timed out connecting to api.x:443"},
		"context ended":         {classifyDial, context.DeadlineExceeded, KindTimeout, false, "timed out connecting"},
		"something else":        {classifyDial, fmt.Errorf("outer: %w", errors.New("inner")), KindNetwork, false, "cannot connect to api.x:443: inner"},
		"unknown authority":     {classifyHandshake, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, KindTLS, true, "unknown authority"},
		"expired":               {classifyHandshake, x509.CertificateInvalidError{Reason: x509.Expired, Detail: "in 1999"}, KindTLS, true, "has expired or is not yet valid: in 1999"},
		"unusable":              {classifyHandshake, x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}, KindTLS, true, "not acceptable"},
		"no roots":              {classifyHandshake, x509.SystemRootsError{Err: errors.New("unreadable")}, KindTLS, true, "root certificates cannot be read: unreadable"},
		"no TLS there":          {classifyHandshake, tls.RecordHeaderError{Msg: "x"}, KindTLS, true, "does not speak TLS on this port"},
		"alert":                 {classifyHandshake, &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, KindTLS, true, "was refused"},
		"handshake timed out":   {classifyHandshake, context.DeadlineExceeded, KindTimeout, false, "no answer to the TLS handshake"},
		"handshake cut off":     {classifyHandshake, io.EOF, KindReset, false, "closed by api.x:443 during the TLS handshake"},
		"other handshake error": {classifyHandshake, errors.New("odd"), KindTLS, true, "failed: odd"},
		"never spoke":           {loss(false), nil, KindTimeout, false, "it accepted the connection and did not answer"},
		"stopped answering":     {loss(true), nil, KindTimeout, false, "stopped answering"},
		"closed":                {loss(true), io.EOF, KindReset, false, "connection closed by api.x:443"},
		"reset":                 {loss(true), sys(resetErrnos()[0]), KindReset, false, "connection reset by api.x:443"},
		"way lost":              {loss(true), sys(unreachableErrnos()[0]), KindNetwork, false, "the way to api.x:443 was lost"},
		"lost":                  {loss(true), errors.New("odd"), KindReset, false, "lost: odd"},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.classify("api.x:443", c.err)
			if f.Kind != c.kind || f.Permanent != c.permanent || !strings.Contains(f.Error(), c.words) {
				t.Errorf("kind %d, permanent %v, %q", f.Kind, f.Permanent, f)
			}
			if c.err != nil && !errors.Is(f, c.err) {
				t.Error("the cause is lost")
			}
		})
	}
}

// fakeConn gives bytes and then an error.
type fakeConn struct {
	net.Conn
	data io.Reader
}

func (c *fakeConn) Read(p []byte) (int, error) { return c.data.Read(p) }
func (c *fakeConn) Close() error               { return nil }

func TestGreetings(t *testing.T) {
	settings := "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00"
	for name, c := range map[string]struct {
		hello  string
		kind   Kind
		status int
	}{
		"HTTP/2":          {settings, KindReset, 0},
		"HTTP/1.1":        {"HTTP/1.1 400 Bad Request\r\n", KindProtocol, 400},
		"HTTP/1.0":        {"HTTP/1.0 505 No\r\n", KindProtocol, 505},
		"ssh":             {"SSH-2.0-OpenSSH_9.6\r\n", KindProtocol, 0},
		"a few bytes":     {"hi", KindProtocol, 0},
		"nothing":         {"", KindReset, 0},
		"a TLS alert":     {"\x15\x03\x01\x00\x02\x02\x46", KindTLS, 0},
		"another frame":   {"\x00\x00\x08\x06\x00\x00\x00\x00\x00........", KindProtocol, 0},
		"a stream's":      {"\x00\x00\x06\x04\x00\x00\x00\x00\x01......", KindProtocol, 0},
		"zeroes":          {strings.Repeat("\x00", 40), KindProtocol, 0},
		"a status cut of": {"HTTP/1.1 4", KindProtocol, 0},
	} {
		for _, size := range []int{1, 5, 100} {
			m := &monitor{target: "x:1"}
			conn := &watchedConn{Conn: &fakeConn{data: strings.NewReader(c.hello)}, monitor: m}
			buffer := make([]byte, size)
			var err error
			for err == nil {
				_, err = conn.Read(buffer)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			if f := m.latest(); f == nil || f.Kind != c.kind || f.HTTPStatus != c.status || m.count() != 1 {
				t.Errorf("%s in pieces of %d: %+v, %d failures", name, size, f, m.count())
			}
		}
	}
}

func TestDelays(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 100, 2: 200, 3: 400, 4: 800, 6: 3200, 7: 5000, 20: 5000} {
		want *= time.Millisecond
		seen := map[time.Duration]bool{}
		for range 100 {
			d := delay(n)
			seen[d] = true
			if d < want*8/10 || d > want*12/10 {
				t.Errorf("after attempt %d: %v, want %v by 20 percent", n, d, want)
			}
		}
		if len(seen) < 2 {
			t.Errorf("after attempt %d: no jitter", n)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 70*time.Millisecond)
	defer cancel()
	started := time.Now()
	if pause(ctx, 20) || ctx.Err() != nil {
		t.Errorf("waited %v for a time after the deadline", time.Since(started))
	}
}
