package controlplane

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/issuer"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// call asks the control plane's address for a path of an app of the first account,
// with its key.
func call(ctx context.Context, t testing.TB, s *Server, path string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/local/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+s.Credentials().Key())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func read(t testing.TB, response *http.Response) string {
	t.Helper()
	if response == nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

func detail(t testing.TB, response *http.Response) string {
	t.Helper()
	var body restwire.Error
	if err := json.Unmarshal([]byte(read(t, response)), &body); err != nil {
		t.Error(err)
	}
	return body.Detail
}

// scaled is an app that scales from nothing.
func scaled(t testing.TB, keepAlive time.Duration, modes ...string) AppSpec {
	spec := app(t, "web", modes...)
	spec.KeepAlive, spec.MaxConcurrency = &keepAlive, 3
	return spec
}

func TestGatewayStartsARunner(t *testing.T) {
	s := start(t, Options{})
	register(t, s, scaled(t, 0))
	if n := len(live(t, s, "web")); n != 0 {
		t.Fatalf("%d runners before there is a request", n)
	}
	response := call(t.Context(), t, s, "web/env?x=1")
	env := strings.Split(read(t, response), "\n")
	if response.StatusCode != http.StatusOK || !slices.Contains(env, "FAL_APP_NAME=web") || response.Header.Get("X-Fal-Request-Id") == "" {
		t.Errorf("%s %v", response.Status, response.Header)
	}
	await(t, "the end of the idle runner", func() bool { return len(live(t, s, "web")) == 0 })
	runners, err := s.state.Runners(t.Context(), caller(t, s), state.Query{EndedSince: earliest()})
	if err != nil || len(runners) != 1 {
		t.Fatalf("%d runners, %v", len(runners), err)
	}
	if text := logText(t, s, runners[0].ID); !strings.Contains(text, "PENDING: 1 request is in flight or waiting\n") || !strings.Contains(text, "idle for 0s (keep_alive)") {
		t.Errorf("its log:\n%s", text)
	}
	bare, err := http.Get("http://" + s.Addr() + "/local/web/env")
	if err != nil {
		t.Fatal(err)
	}
	if text := detail(t, bare); bare.StatusCode != http.StatusUnauthorized || text == "" {
		t.Errorf("without credentials: %s %s", bare.Status, text)
	}
	if len(live(t, s, "web")) != 0 {
		t.Error("a runner was started for it")
	}
}

func TestAutoscaler(t *testing.T) {
	s := start(t, Options{})
	registered := register(t, s, scaled(t, 0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	held := make(chan *http.Response, 4)
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() { held <- call(ctx, t, s, "web/hold") })
	}
	first := []*http.Response{<-held, <-held, <-held}
	await(t, "three busy runners and one request that waits", func() bool {
		busy := 0
		for _, r := range live(t, s, "web") {
			busy += len(r.Leases)
		}
		return busy == 3 && len(live(t, s, "web")) == 3 && s.state.Waiting(registered) == 1
	})
	if info := dial(t, s, s.Credentials()).alias(t, "web"); info.GetActiveRunners() != 3 {
		t.Errorf("it is listed as %v", info)
	}
	first[0].Body.Close()
	last := <-held
	asking.Wait()
	for _, response := range append(first[1:], last) {
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s", response.Status)
		}
		response.Body.Close()
	}
	await(t, "no runners without requests", func() bool { return len(live(t, s, "web")) == 0 })
}

func TestBufferAndMultiplexing(t *testing.T) {
	s := start(t, Options{})
	spec := scaled(t, time.Hour)
	spec.MaxMultiplexing, spec.ConcurrencyBuffer = 2, 1
	register(t, s, spec)
	awaitUp(t, s, "web", 1)
	for range 2 {
		defer call(t.Context(), t, s, "web/hold").Body.Close()
	}
	busy := 0
	for _, r := range awaitUp(t, s, "web", 2) {
		busy += len(r.Leases)
	}
	if busy != 2 {
		t.Errorf("%d in flight", busy)
	}
}

func TestAStartThatFailsIsAnswered(t *testing.T) {
	s := start(t, Options{})
	register(t, s, scaled(t, time.Hour, "fail"))
	response := call(t.Context(), t, s, "web/")
	if text := detail(t, response); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "process exited with code 3 before it was ready") || response.Header.Get("Retry-After") == "" {
		t.Errorf("%s %v %s", response.Status, response.Header, text)
	}
}

func TestARunnerThatIsKilledAmid(t *testing.T) {
	s := start(t, Options{})
	register(t, s, AppSpec{Name: "web", Argv: []string{executable(t), "__sample"}, HealthPath: "/health"})
	answered := make(chan *http.Response, 1)
	go func() { answered <- call(t.Context(), t, s, "web/?wait=1m") }()
	var busy *Runner
	await(t, "a busy runner", func() bool {
		for _, r := range live(t, s, "web") {
			if len(r.Leases) == 1 {
				busy = r
			}
		}
		return busy != nil
	})
	c := dial(t, s, s.Credentials())
	if _, err := c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: busy.ID}); err != nil {
		t.Fatal(err)
	}
	response := <-answered
	if text := detail(t, response); response.StatusCode != http.StatusBadGateway || !strings.Contains(text, busy.ID) {
		t.Errorf("%s %s", response.Status, text)
	}
}

// TestNoRequestFailsInARollout sends requests while revisions come and go.
func TestNoRequestFailsInARollout(t *testing.T) {
	s := start(t, Options{})
	spec := scaled(t, time.Hour)
	spec.MinConcurrency, spec.MaxMultiplexing = 1, 4
	register(t, s, spec)
	awaitUp(t, s, "web", 1)
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	var sent atomic.Int64
	for range 4 {
		sending.Go(func() {
			for ctx.Err() == nil {
				if response := call(t.Context(), t, s, "web/env"); response != nil {
					if text := read(t, response); response.StatusCode != http.StatusOK {
						t.Errorf("%s %s", response.Status, text)
					}
					sent.Add(1)
				}
			}
		})
	}
	c := dial(t, s, s.Credentials())
	var revision string
	for range 3 {
		revision = register(t, s, spec).Rev.RevisionID
		await(t, "the end of a rollout", func() bool { return !c.alias(t, "web").GetIsRolling() })
	}
	cancel()
	sending.Wait()
	if env := strings.Split(read(t, call(t.Context(), t, s, "web/env")), "\n"); !slices.Contains(env, "FAL_REVISION="+revision) {
		t.Errorf("after the rollout another revision than %s answers", revision)
	}
	t.Logf("%d requests", sent.Load())
}

func TestCloseEndsRequests(t *testing.T) {
	s := start(t, Options{})
	spec := scaled(t, time.Hour)
	spec.MaxConcurrency = 1
	registered := register(t, s, spec)
	begun := call(t.Context(), t, s, "web/hold")
	waiting := make(chan *http.Response, 1)
	go func() { waiting <- call(t.Context(), t, s, "web/env") }()
	await(t, "a request that waits", func() bool { return s.state.Waiting(registered) == 1 })
	stop(t, s)
	if response := <-waiting; response != nil && response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the one that waited: %s", response.Status)
	}
	if _, err := io.ReadAll(begun.Body); err == nil {
		t.Error("the one in flight ended in order")
	}
}

// TestRoutesAreReserved holds that nobody's apps are where a route of the control
// plane is.
func TestRoutesAreReserved(t *testing.T) {
	files, err := filepath.Glob("restapi/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	pattern := regexp.MustCompile(`"(?:[A-Z]+ )?/([a-z-]+)[/"{]`)
	segments := []string{strings.Trim(issuer.Path, "/")}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range pattern.FindAllStringSubmatch(string(source), -1) {
			segments = append(segments, found[1])
		}
	}
	if !slices.Contains(segments, "users") || !slices.Contains(segments, "logs") {
		t.Errorf("found %q only", segments)
	}
	for _, segment := range segments {
		if !state.Reserved(segment) {
			t.Errorf("%s is served and not reserved", segment)
		}
	}
}

// What a framework calls localhost may be ::1 alone.
func TestAppOnIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Logf("this machine has no IPv6: %v", err)
		return
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{})
	register(t, s, app(t, "six", "ipv6"))
	if text := read(t, call(t.Context(), t, s, "six/env")); !strings.Contains(text, "FAL_APP_NAME=six") {
		t.Errorf("answered: %s", text)
	}
}
