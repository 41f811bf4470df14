package local

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

type fakeServer struct {
	stops, samples atomic.Int32
	failure        error
}

func (f *fakeServer) health(context.Context) health {
	return health{Runners: map[string]int{"IDLE": 2}, Ready: 2, Sample: true}
}
func (f *fakeServer) startSample(context.Context) error { f.samples.Add(1); return f.failure }
func (f *fakeServer) requestStop()                      { f.stops.Add(1) }

func TestControl(t *testing.T) {
	t.Parallel()
	target := &fakeServer{}
	s, err := serveControl("token", target)
	if err != nil {
		t.Fatal(err)
	}
	client := controlOf(record{Control: s.address(), Token: "token"})
	ctx := testContext(t)
	h, err := client.health(ctx)
	if err != nil || h.Runners["IDLE"] != 2 || !h.Sample || h.Ready != 2 {
		t.Errorf("%+v, %v", h, err)
	}
	if err := errors.Join(client.startSample(ctx), client.stop(ctx)); err != nil || target.samples.Load() != 1 || target.stops.Load() != 1 {
		t.Error(err, target.samples.Load(), target.stops.Load())
	}
	target.failure = errors.New("no room")
	if err := client.startSample(ctx); err == nil || err.Error() != "no room" {
		t.Error(err)
	}

	// Who has no token gets nothing done.
	before := target.stops.Load()
	for _, token := range []string{"", "toke", "token2"} {
		if err := controlOf(record{Control: s.address(), Token: token}).stop(ctx); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%q: %v", token, err)
		}
	}
	response, err := http.Post("http://"+s.address()+pathStop, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized || target.stops.Load() != before {
		t.Error(response.Status, target.stops.Load())
	}
	http.DefaultClient.CloseIdleConnections()
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := client.stop(ctx); err == nil {
		t.Error("it answers after its end")
	}
}

// Whoever got the port of a server that was killed is not taken for it.
func TestFindAmongStrangers(t *testing.T) {
	t.Parallel()
	rubbish, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer rubbish.Close()
	go func() {
		for {
			conn, err := rubbish.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH\r\n")
			conn.Close()
		}
	}()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	defer web.Close()
	redirect := httptest.NewServer(http.RedirectHandler(web.URL, http.StatusFound))
	defer redirect.Close()
	for name, address := range map[string]string{
		"rubbish": rubbish.Addr().String(), "web": web.Listener.Addr().String(), "redirect": redirect.Listener.Addr().String(),
	} {
		dir := dataDir(t.TempDir())
		if err := dir.prepare(); err != nil {
			t.Fatal(err)
		}
		if err := dir.saveRecord(record{PID: 1, Address: address, Control: address, Token: "t"}); err != nil {
			t.Fatal(err)
		}
		if found, err := dir.find(testContext(t)); found != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := reportReady(&b, record{PID: 7, Address: "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	r, err := readReport(strings.NewReader(b.String()))
	if err != nil || r.PID != 7 {
		t.Errorf("%+v, %v", r, err)
	}
	b.Reset()
	silent := reportFailure(&b, (&cli.Error{Code: "c", Exit: 2, Message: "m"}).WithHint("h"))
	if cli.ExitCode(silent) != 2 {
		t.Error(silent)
	}
	var failed *cli.Error
	if _, err := readReport(strings.NewReader(b.String())); !errors.As(err, &failed) || failed.Code != "c" || failed.Exit != 2 || failed.Message != "m" || len(failed.Hint) != 1 {
		t.Errorf("%+v", err)
	}
	for _, text := range []string{"", "{}\n", "rubbish\n", `{"ready":{"pid":1}`, "null\n"} {
		if _, err := readReport(strings.NewReader(text)); !errors.Is(err, errNoReport) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := dataDir(t.TempDir())
	if err := dir.saveSettings(settings{Port: 4321}); err != nil {
		t.Fatal(err)
	}
	if got := dir.settings(); got.Port != 4321 || got.Format != settingsFormat {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"", "x", `{"port":-1}`, `{"port":70000}`, `{"port":"1"}`} {
		if err := replaceFile(dir.file(markerName), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := dir.settings(); got.Port != 0 {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if ours, _, err := dir.inspect(); !ours || err != nil {
		t.Error("a damaged marker is none", err)
	}
}

func TestStatusJSONWithoutServer(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(newStatus("/d", nil))
	const want = `{"running":false,"address":null,"tls":false,"pid":null,"data_dir":"/d","version":null,"started_at":null,"runners":{},"sample":false,"login":false}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
}
