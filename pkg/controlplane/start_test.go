package controlplane

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func TestOneControlPlanePerFolder(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Options{DataDir: dir})
	_, err := Start(t.Context(), Options{DataDir: dir, Supervisor: []string{executable(t), "__supervise"}})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("a second one: %v", err)
	}
	stop(t, first)
	start(t, Options{DataDir: dir})
}

func TestOnlyLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "[::]:0", "example.com:0", "127.0.0.1"} {
		_, err := Start(t.Context(), Options{DataDir: t.TempDir(), Listen: address, Supervisor: []string{executable(t), "__supervise"}})
		if err == nil {
			t.Errorf("it listens on %s", address)
		}
	}
}

func TestCredentialsSurviveAndAreReplacedWhenLost(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	first := s.Credentials()
	account := caller(t, s).Account.UserID
	stop(t, s)
	s = start(t, Options{DataDir: dir})
	if s.Credentials() != first {
		t.Error("a restart changed the credentials")
	}
	stop(t, s)
	for name, damage := range map[string]func() error{
		"removed": func() error { return os.Remove(filepath.Join(dir, "credentials")) },
		"damaged": func() error { return os.WriteFile(filepath.Join(dir, "credentials"), []byte("nonsense"), 0o600) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		s = start(t, Options{DataDir: dir})
		if s.Credentials() == first || caller(t, s).Account.UserID != account {
			t.Errorf("%s: credentials %s of account %s", name, s.Credentials().KeyID, caller(t, s).Account.UserID)
		}
		if read, err := ReadCredentials(dir); err != nil || read != s.Credentials() {
			t.Errorf("%s: the file says %v, %v", name, read, err)
		}
		stop(t, s)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir, TLS: true})
	pem, err := os.ReadFile(s.CAPath())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the authority's file")
	}
	_, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"127.0.0.1", "localhost", "api.localhost", "rest.localhost", "queue.localhost"} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{RootCAs: roots, ServerName: name}
			c := dial(t, s, s.Credentials(), grpc.WithTransportCredentials(credentials.NewTLS(config.Clone())))
			if _, err := c.ListRunners(c.ctx, &pb.ListRunnersRequest{}); err != nil {
				t.Errorf("gRPC: %v", err)
			}
			transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, s.Addr())
			}
			// It offers HTTP/2 too, and still reaches REST.
			code, body, _ := rest(t, &http.Client{Transport: transport}, http.MethodGet, "https://"+net.JoinHostPort(name, port)+"/users/current",
				http.Header{"Authorization": {"Key " + s.Credentials().Key()}})
			if code != 200 || body["nickname"] != "local" {
				t.Errorf("REST: %d %v", code, body)
			}
		})
	}
	t.Run("plain HTTP", func(t *testing.T) {
		code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/health", nil)
		if code != 400 || !strings.Contains(body["detail"].(string), "TLS") {
			t.Errorf("%d %v", code, body)
		}
	})
	t.Run("kept", func(t *testing.T) {
		stop(t, s)
		start(t, Options{DataDir: dir, TLS: true})
		again, err := os.ReadFile(filepath.Join(dir, "tls", "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(pem) {
			t.Error("a restart made another authority")
		}
	})
}

func TestAuthorityIsRenewedAndSignsNothingElse(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	if _, _, err := serverTLS(dir, now); err != nil {
		t.Fatal(err)
	}
	first, err := loadCA(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem"), now)
	if err != nil {
		t.Fatal(err)
	}
	second, err := loadCA(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem"), now.Add(caLife))
	if err != nil {
		t.Fatal(err)
	}
	if first.certificate.Equal(second.certificate) || !second.certificate.NotAfter.After(now.Add(caLife)) {
		t.Error("an authority about to expire was kept")
	}
	if got := first.certificate.PermittedDNSDomains; len(got) != 1 || got[0] != "localhost" || !first.certificate.PermittedDNSDomainsCritical {
		t.Errorf("the authority may sign for the names under %v", got)
	}
	if got := first.certificate.PermittedIPRanges; len(got) != 0 {
		t.Errorf("constraints on addresses, which not every client understands: %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca-key.pem"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := serverTLS(dir, now); err == nil || !strings.Contains(err.Error(), "ca-key.pem") {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestConnectionsThatSayNothingDoNotHoldUpTheRest(t *testing.T) {
	s := start(t, Options{})
	var silent []net.Conn
	for range 20 {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	c := dial(t, s, s.Credentials())
	c.list(t)
	if code, _, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/health", nil); code != 200 {
		t.Errorf("health %d", code)
	}
	// What is neither is answered as HTTP/1 would be.
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "\x00\x01\x02\x03rubbish\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "400") {
		t.Errorf("rubbish is answered %q, %v", line, err)
	}
	stop(t, s)
	for _, conn := range silent {
		conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a silent connection outlived the control plane: %v", err)
		}
	}
}

func TestCloseEndsEveryProcess(t *testing.T) {
	s := start(t, Options{})
	orderly, stubborn, failing := app(t, "orderly"), app(t, "stubborn", "stubborn"), app(t, "failing", "fail")
	orderly.MinConcurrency, stubborn.MinConcurrency, failing.MinConcurrency = 2, 1, 1
	stubborn.GracePeriod, orderly.GracePeriod, failing.GracePeriod = new(100*time.Millisecond), new(100*time.Millisecond), new(time.Duration(0))
	register(t, s, orderly)
	register(t, s, stubborn)
	register(t, s, failing)
	runners := append(awaitUp(t, s, "orderly", 2), awaitUp(t, s, "stubborn", 1)...)
	dir := s.options.DataDir
	stop(t, s)
	for _, r := range runners {
		if alive(r.PID) {
			t.Errorf("process %d of %s is still there", r.PID, r.Alias)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "runners")); err == nil && len(left) > 0 {
		t.Errorf("folders of runners are left: %v", left)
	}
	if _, err := dial(t, s, s.Credentials()).ListRunners(t.Context(), &pb.ListRunnersRequest{}); err == nil {
		t.Error("it still answers")
	}
	again := start(t, Options{DataDir: dir})
	for _, r := range runners {
		ended := runner(t, again, r.ID)
		if !strings.HasPrefix(ended.Reason, "process ") || ended.EndedAt.IsZero() {
			t.Errorf("runner of %s: %s at %s", r.Alias, ended.Reason, ended.EndedAt)
		}
		if text := logText(t, again, r.ID); !strings.Contains(text, "TERMINATING: control plane stopped") {
			t.Errorf("log of %s:\n%s", r.Alias, text)
		}
	}
}
