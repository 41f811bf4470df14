// Package loopback reaches what listens on a port of this machine alone, whichever
// of its two addresses that bound: a server that is told to listen on "localhost"
// may do so on ::1 only.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// attempts bounds how many ports are looked at for one that is free.
const attempts = 100

// Address is the first address at which a port is looked for.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Dial connects with what listens at an address of IPv4 or, if nothing does, on the
// same port of IPv6. The error is that of the first.
func Dial(ctx context.Context, network, address string) (*net.TCPConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil && ctx.Err() == nil {
		if _, port, split := net.SplitHostPort(address); split == nil {
			if other, second := new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("::1", port)); second == nil {
				conn, err = other, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("no TCP connection to "+address), conn.Close())
	}
	return tcp, nil
}

// FreePort returns a port that nothing listens on at this moment, at neither
// address.
func FreePort() (int, error) {
	for range attempts {
		first, err := net.Listen("tcp", Address(0))
		if err != nil {
			return 0, err
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
		if err == nil {
			second.Close()
		}
		first.Close()
		if !errors.Is(err, syscall.EADDRINUSE) { // another error is a machine without IPv6
			return port, nil
		}
	}
	return 0, fmt.Errorf("none of %d ports was free at both 127.0.0.1 and ::1", attempts)
}
