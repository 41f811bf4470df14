package sample

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer may be read while the sample writes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func get(t *testing.T, url string) (int, string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr buffer
	done := make(chan int, 1)
	go func() { done <- serve(ctx, []string{"PORT=1", "FAL_RUNNER_ID=me", "PORT=" + port}, &stdout, &stderr) }()
	deadline := time.Now().Add(time.Minute)
	for {
		if code, _, err := get(t, "http://"+address+"/health"); err == nil && code == 200 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("never healthy: %d, %v; %s", code, err, stderr.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
	for path, want := range map[string]int{"/": 200, "/?wait=1ms": 200, "/?wait=1h": 400, "/?wait=soon": 400, "/nothing": 404} {
		code, body, err := get(t, "http://"+address+path)
		if err != nil || code != want || want == 200 && !strings.HasPrefix(body, "runner me has been up for ") {
			t.Errorf("%s: %d %q %v", path, code, body, err)
		}
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d; %s", code, stderr.String())
	}
	for _, want := range []string{"msg=started", "address=" + address, "runner=me", "msg=request", "path=/nothing status=404", "msg=stopped"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in:\n%s", want, stdout.String())
		}
	}
	if stderr.String() != "" {
		t.Errorf("stderr: %s", stderr.String())
	}
}

func TestCannotServe(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, test := range []struct {
		env  []string
		code int
	}{
		{nil, 2}, {[]string{"PORT="}, 2}, {[]string{"PORT=http"}, 2}, {[]string{"PORT=99999"}, 2}, {[]string{"PORT=" + port}, 1},
	} {
		var stdout, stderr buffer
		if code := serve(t.Context(), test.env, &stdout, &stderr); code != test.code || !strings.HasPrefix(stderr.String(), "sample: ") {
			t.Errorf("%q: exit code %d, want %d; %s", test.env, code, test.code, stderr.String())
		}
	}
}
