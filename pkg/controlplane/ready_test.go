package controlplane

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestSpeaks asks a server for nothing that its handlers do.
func TestSpeaks(t *testing.T) {
	p := newProber()
	defer p.close()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a handler was asked") }))
	defer server.Close()
	if !p.speaks(t.Context(), server.Listener.Addr().(*net.TCPAddr).Port) {
		t.Error("HTTP is not understood")
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	go func() {
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("-ERR unknown command 'OPTIONS'\r\n"))
			conn.Close()
		}
	}()
	if p.speaks(t.Context(), mute.Addr().(*net.TCPAddr).Port) {
		t.Error("something else is taken for HTTP")
	}
}
