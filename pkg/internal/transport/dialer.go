package transport

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
)

// A dialer opens TCP connections and reports each failure, typed, to its
// monitor: gRPC passes them on as text only.
type dialer struct {
	target string
	// onlyLoopback: refuse any other address, whatever the name resolved to.
	onlyLoopback bool
	proxy        func(*url.URL) (*url.URL, error)
	roots        *x509.CertPool // for a proxy with TLS
	monitor      *monitor
}

func (d *dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := d.connect(ctx, address)
	if err != nil {
		d.monitor.failed(classifyDial(d.target, err))
		return nil, err
	}
	return conn, nil
}

func (d *dialer) connect(ctx context.Context, address string) (net.Conn, error) {
	var tcp net.Dialer
	if d.onlyLoopback {
		tcp.Control = refuseOthers
		return tcp.DialContext(ctx, "tcp", address)
	}
	if d.proxy != nil {
		proxy, err := d.proxy(&url.URL{Scheme: "https", Host: address})
		if err != nil {
			return nil, &proxyError{err: err}
		}
		if proxy != nil {
			return connectThrough(ctx, &tcp, proxy, d.roots, address)
		}
	}
	return tcp.DialContext(ctx, "tcp", address)
}

// plaintextRefusal is the error for a name that looks like this machine and
// resolves to another one.
type plaintextRefusal struct{ address string }

func (e *plaintextRefusal) Error() string {
	return fmt.Sprintf("refused to connect to %s without TLS: it is not a loopback address", e.address)
}

func refuseOthers(_, address string, _ syscall.RawConn) error {
	if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().Unmap().IsLoopback() {
		return &plaintextRefusal{address: address}
	}
	return nil
}
