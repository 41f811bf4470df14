package loopback

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestDial(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil && host == "::1" {
			t.Log("this machine has no IPv6")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		address := Address(listener.Addr().(*net.TCPAddr).Port)
		conn, err := Dial(t.Context(), "tcp", address)
		if err != nil {
			t.Fatalf("listening on %s: %v", host, err)
		}
		conn.Close()
		listener.Close()
		if _, err := Dial(t.Context(), "tcp", address); err == nil || strings.Contains(err.Error(), "::1") {
			t.Errorf("where nothing listens: %v", err)
		}
	}
}

func TestFreePort(t *testing.T) {
	for range 20 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
	}
}
