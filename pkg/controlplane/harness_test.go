package controlplane

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// patience bounds what is waited for; a busy machine needs some.
const patience = 60 * time.Second

func executable(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// start runs a control plane until the test ends.
func start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	exe := executable(t)
	o.Supervisor, o.SampleArgv = []string{exe, "__supervise"}, []string{exe, "__sample"}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// app describes an app whose runners are this program in the given modes.
func app(t testing.TB, name string, modes ...string) AppSpec {
	return AppSpec{
		Name:        name,
		Argv:        append([]string{executable(t), "__app"}, modes...),
		Env:         []string{"GORACE=" + os.Getenv("GORACE")}, // else it sleeps at its end
		HealthPath:  "/ready",
		GracePeriod: new(5 * time.Second),
		KeepAlive:   new(time.Hour),
	}
}

func register(t testing.TB, s *Server, spec AppSpec) *App {
	t.Helper()
	registered, err := s.RegisterApp(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return registered
}

// testApp is what a runner of these tests executes. Modes: "unready" never
// answers the health check, "fail" exits with 3 at once, "crash" exits with 4
// when it is asked to, "stubborn" ignores SIGTERM, "ipv6" listens on ::1 alone.
func testApp(modes []string) int {
	if slices.Contains(modes, "fail") {
		fmt.Fprintln(os.Stderr, "failing as told")
		return 3
	}
	for _, mode := range modes {
		if mode != "beside" {
			continue
		}
		beside, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer beside.Close()
		fmt.Println("beside", beside.Addr().(*net.TCPAddr).Port)
	}
	if slices.Contains(modes, "slow") {
		time.Sleep(time.Second)
	}
	if slices.Contains(modes, "lost") {
		select {}
	}
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM, os.Interrupt)
	host := "127.0.0.1"
	if slices.Contains(modes, "ipv6") {
		host = "::1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, os.Getenv("PORT")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	exit := make(chan int, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if slices.Contains(modes, "unready") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Join(os.Environ(), "\n"))
	})
	var ill atomic.Bool
	mux.HandleFunc("/sicken", func(w http.ResponseWriter, _ *http.Request) {
		ill.Store(true)
		w.Header().Set("X-Fal-Runner-Health-Check", "1")
	})
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) {
		if ill.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, request *http.Request) {
		http.Redirect(w, request, "/well", http.StatusFound)
	})
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { exit <- 4 })
	release := make(chan struct{}, 1)
	mux.HandleFunc("/hold", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-release
		fmt.Fprint(w, "released")
	})
	mux.HandleFunc("/print", func(w http.ResponseWriter, request *http.Request) {
		n, err := strconv.Atoi(request.FormValue("lines"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		padding := strings.Repeat(".", 300)
		out := bufio.NewWriter(os.Stdout)
		for i := range n {
			fmt.Fprintf(out, "%d %s\n", i, padding)
		}
		if err := out.Flush(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/release", func(http.ResponseWriter, *http.Request) { release <- struct{}{} })
	go http.Serve(listener, mux)
	fmt.Println("serving")
	for {
		select {
		case code := <-exit:
			return code
		case <-terminate:
			if !slices.Contains(modes, "stubborn") {
				fmt.Println("terminated in order")
				return 0
			}
			fmt.Println("ignoring SIGTERM")
		}
	}
}

// client is a gRPC client with the given key; none when empty.
type client struct {
	pb.IsolateControllerClient
	ctx context.Context
}

func dial(t testing.TB, s *Server, c Credentials, options ...grpc.DialOption) client {
	t.Helper()
	return dialAddress(t, s.Addr(), c, options...)
}

func dialAddress(t testing.TB, address string, c Credentials, options ...grpc.DialOption) client {
	t.Helper()
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1 << 30)),
	}, options...)
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ctx := t.Context()
	if c.KeyID != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "auth-key-id", c.KeyID, "auth-key", c.Secret)
	}
	return client{IsolateControllerClient: pb.NewIsolateControllerClient(conn), ctx: ctx}
}

func (c client) list(t testing.TB) []*pb.RunnerInfo {
	t.Helper()
	response, err := c.ListRunners(c.ctx, &pb.ListRunnersRequest{ListPending: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	return response.GetRunners()
}

// await polls until check returns true.
func await(t testing.TB, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !check(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

// awaitUp waits until an app has so many runners that are up, and no others.
func awaitUp(t testing.TB, s *Server, alias string, n int) []*Runner {
	t.Helper()
	var up []*Runner
	await(t, fmt.Sprintf("%d runners of %s up", n, alias), func() bool {
		up = nil
		others := 0
		for _, r := range live(t, s, alias) {
			if r.State == state.Idle || r.State == state.Running {
				up = append(up, r)
			} else {
				others++
			}
		}
		return len(up) == n && others == 0
	})
	return up
}

// live returns the runners of an app that have not ended.
func live(t testing.TB, s *Server, alias string) []*Runner {
	t.Helper()
	caller, err := s.state.Authenticate(s.credentials.KeyID, s.credentials.Secret)
	if err != nil {
		t.Fatal(err)
	}
	runners, err := s.state.Runners(t.Context(), caller, state.Query{Alias: alias, Pending: true})
	if err != nil {
		t.Fatal(err)
	}
	return runners
}

// runner returns a runner, ended or not.
func runner(t testing.TB, s *Server, id string) *Runner {
	t.Helper()
	caller, err := s.state.Authenticate(s.credentials.KeyID, s.credentials.Secret)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.state.Runner(t.Context(), caller, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func awaitState(t testing.TB, s *Server, id string, want state.RunnerState) *Runner {
	t.Helper()
	var r *Runner
	await(t, fmt.Sprintf("runner %s %s", id, want), func() bool {
		r = runner(t, s, id)
		return r.State == want
	})
	return r
}

// states returns the states that a runner went through.
func states(t testing.TB, s *Server, id string) []string {
	t.Helper()
	events, err := s.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range events {
		if len(names) == 0 || names[len(names)-1] != e.State.String() {
			names = append(names, e.State.String())
		}
	}
	return names
}

// logText returns a runner's log, a line a line.
func logText(t testing.TB, s *Server, id string) string {
	t.Helper()
	lines, err := s.Logs(t.Context(), id, LogQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%s %s %s\n", line.Source, line.Level, line.Message)
	}
	return b.String()
}
