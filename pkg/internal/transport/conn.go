package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/url"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	maxMessage       = math.MaxInt32 // 2 GiB - 1
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 20 * time.Second
	connectTimeout   = 20 * time.Second

	// A list of a hundred thousand elements is tens of MiB in one message:
	// with these windows it arrives without a pause for credit.
	streamWindow = 8 << 20
	connWindow   = 16 << 20
)

// Options say where a [Conn] leads and how.
type Options struct {
	// Target is host[:port], port 443 by default.
	Target string
	// Plaintext speaks without TLS. It is an error for a target that is not
	// loopback unless AllowPlaintext is set, which is meant for tests.
	Plaintext, AllowPlaintext bool
	// RootCAs replace the system's roots, which on Unix are those that
	// SSL_CERT_FILE and SSL_CERT_DIR name, if set.
	RootCAs *x509.CertPool
	// Proxy answers the proxy to use for a target, or nil for none: an HTTP
	// proxy, with TLS or without, or one that speaks SOCKS 5. It is not asked
	// for loopback. Nil: no proxy.
	Proxy func(*url.URL) (*url.URL, error)
	// Authorize answers the metadata that authenticates one attempt of a call.
	// Its error ends the call. Nil: none.
	Authorize func(context.Context) (map[string]string, error)
	UserAgent string
	// Trace, if not nil, is told of every attempt. It may be called from
	// several goroutines at once.
	Trace func(Event)
}

// A Conn is a [grpc.ClientConnInterface] with the guarantees of this package.
type Conn struct {
	cc        *grpc.ClientConn
	target    string
	monitor   *monitor
	authorize func(context.Context) (map[string]string, error)
	trace     func(Event)
	closed    atomic.Bool
}

// Dial checks the options and prepares a connection, without touching the
// network: it is made by the first call.
func Dial(o Options) (*Conn, error) {
	target, err := ParseTarget(o.Target)
	if err != nil {
		return nil, err
	}
	loopback := IsLoopback(target)
	if o.Plaintext && !loopback && !o.AllowPlaintext {
		return nil, fmt.Errorf("refusing to connect to %s without TLS: only loopback addresses may be", target)
	}
	watch := &monitor{target: target}
	d := &dialer{target: target, monitor: watch, proxy: o.Proxy, roots: o.RootCAs, onlyLoopback: o.Plaintext && !o.AllowPlaintext}
	if loopback {
		d.proxy = nil
	}
	transportCredentials := insecure.NewCredentials()
	if !o.Plaintext {
		transportCredentials = credentials.NewTLS(&tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12})
	}
	cc, err := grpc.NewClient("passthrough:///"+target,
		grpc.WithContextDialer(d.dial),
		grpc.WithTransportCredentials(&watchedCredentials{transportCredentials, watch}),
		grpc.WithStatsHandler(recorder{}),
		grpc.WithUserAgent(o.UserAgent),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableHealthCheck(),
		grpc.WithDisableRetry(), // ours knows which calls may be repeated; grpc's own covers only what never left
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: retryFirst, Multiplier: retryFactor, Jitter: 0.2, MaxDelay: retryMost},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connWindow),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		return nil, fmt.Errorf("connection to %s: %w", target, err)
	}
	return &Conn{cc: cc, target: target, monitor: watch, authorize: o.Authorize, trace: o.Trace}, nil
}

// Target is the host:port of the connection.
func (c *Conn) Target() string { return c.target }

// ErrClosed is the cause of a call on a closed [Conn].
var ErrClosed = errors.New("the connection is closed")

// Close ends the connection and the calls on it. It may be called again.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.cc.Close()
}
