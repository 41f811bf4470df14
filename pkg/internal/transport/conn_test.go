package transport_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type trace struct {
	mu     sync.Mutex
	events []transport.Event
}

func (t *trace) add(e transport.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

func (t *trace) all() []transport.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.events
}

func dial(t *testing.T, o transport.Options) (context.Context, *transport.Conn) {
	t.Helper()
	conn, err := transport.Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx, conn
}

func TestDialTouchesNoNetwork(t *testing.T) {
	server := faltest.New(t)
	_, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true})
	if got := conn.Target(); got != server.Host() {
		t.Errorf("target %q", got)
	}
	if n := server.Accepted(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestOneConnectionForAllCalls(t *testing.T) {
	server := faltest.New(t)
	ctx, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true})
	client := controllerpb.NewIsolateControllerClient(conn)
	for range 3 {
		if _, err := client.ListSecrets(ctx, &controllerpb.ListSecretsRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Accepted(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestCredentialsReplaceWhatTheContextBrings(t *testing.T) {
	server := faltest.New(t)
	ctx, conn := dial(t, transport.Options{
		Target: server.Host(), Plaintext: true,
		Authorize: func(context.Context) (map[string]string, error) { return map[string]string{"auth-key": "ours"}, nil },
	})
	ctx = metadata.AppendToOutgoingContext(ctx, "auth-key", "foreign", "x-other", "kept")
	if _, err := controllerpb.NewIsolateControllerClient(conn).ListSecrets(ctx, &controllerpb.ListSecretsRequest{}); err != nil {
		t.Fatal(err)
	}
	call := server.Calls()[0]
	if got := call.Metadata["auth-key"]; len(got) != 1 || got[0] != "ours" || call.Get("x-other") != "kept" {
		t.Errorf("metadata %v", call.Metadata)
	}
	if md, _ := metadata.FromOutgoingContext(ctx); md.Get("auth-key")[0] != "foreign" {
		t.Error("the caller's context was changed")
	}
}

func TestStreams(t *testing.T) {
	server := faltest.New(t)
	server.Script("RegisterApplication",
		faltest.Reply(`{"logs": [{"message": "one"}]}`, `{"result": {"application_id": "r1"}}`),
		faltest.Fail(fal.CodeFailedPrecondition, "no"),
		faltest.Drop(),
	)
	var seen trace
	ctx, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true, Trace: seen.add})
	client := controllerpb.NewIsolateControllerClient(conn)
	open := func() grpc.ServerStreamingClient[controllerpb.RegisterApplicationResult] {
		t.Helper()
		s, err := client.RegisterApplication(ctx, &controllerpb.RegisterApplicationRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for _, want := range []string{"", "r1"} {
		m, err := s.Recv()
		if err != nil || m.GetResult().GetApplicationId() != want {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	var failed *transport.CallError
	if _, err := open().Recv(); !errors.As(err, &failed) || !failed.Answered || failed.Status.Code() != codes.FailedPrecondition {
		t.Errorf("refused: %v", err)
	}
	if _, err := open().Recv(); !errors.As(err, &failed) || failed.Answered || failed.Failure == nil || failed.Failure.Kind != transport.KindReset {
		t.Errorf("dropped: %v", err)
	}
	if n := len(server.Calls("RegisterApplication")); n != 3 {
		t.Errorf("%d calls arrived, want 3: a stream must not be sent again", n)
	}
	var statuses []string
	for _, e := range seen.all() {
		statuses = append(statuses, e.Status)
	}
	if len(statuses) != 3 || statuses[0] != "OK" || statuses[1] != "FailedPrecondition" || statuses[2] != "Unavailable" {
		t.Errorf("traced %v", statuses)
	}
}

func TestAStreamIsOpenedAgainWhileNothingLeft(t *testing.T) {
	server := faltest.New(t)
	server.Connections(faltest.Hangup)
	var once sync.Once
	ctx, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true, Trace: func(transport.Event) {
		once.Do(func() { server.Connections(faltest.Serve) })
	}})
	s, err := controllerpb.NewIsolateControllerClient(conn).BuildEnvironment(ctx, &controllerpb.BuildEnvironmentRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if n := len(server.Calls("BuildEnvironment")); n != 1 {
		t.Errorf("%d calls arrived, want 1", n)
	}
}

func TestStreamWithoutCredentials(t *testing.T) {
	server := faltest.New(t)
	gone := errors.New("no login")
	ctx, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true, Authorize: func(context.Context) (map[string]string, error) { return nil, gone }})
	_, err := controllerpb.NewIsolateControllerClient(conn).BuildEnvironment(ctx, &controllerpb.BuildEnvironmentRequest{})
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if n := server.Accepted(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestLateServer: an attempt waits for the connection that it asks for instead
// of failing with the error of the one before.
func TestLateServer(t *testing.T) {
	server := faltest.New(t)
	server.Connections(faltest.Hangup)
	var seen trace
	ctx, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true, Trace: func(e transport.Event) {
		seen.add(e)
		if e.Attempt == 4 {
			server.Connections(faltest.Serve)
		}
	}})
	var reply controllerpb.ListSecretsResponse
	err := conn.Invoke(ctx, controllerpb.IsolateController_ListSecrets_FullMethodName, &controllerpb.ListSecretsRequest{}, &reply)
	if err != nil {
		t.Fatal(err)
	}
	events := seen.all()
	if last := events[len(events)-1]; last.Attempt != 5 || last.Status != "OK" {
		t.Errorf("last event %+v", last)
	}
}

func TestRawReply(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(faltest.Runner{ID: "a"}, faltest.Runner{ID: "b"})
	ctx, conn := dial(t, transport.Options{Target: server.Host(), Plaintext: true})
	var raw transport.Raw
	const method = controllerpb.IsolateController_ListRunners_FullMethodName
	if err := conn.Invoke(ctx, method, &controllerpb.ListRunnersRequest{}, &raw, transport.KeepRaw()); err != nil {
		t.Fatal(err)
	}
	if raw.Len() == 0 {
		t.Error("nothing was kept")
	}
	n := 0
	for _, err := range raw.Elements(1) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	raw.Free()
	if n != 2 || raw.Len() != 0 {
		t.Errorf("%d elements, %d bytes left", n, raw.Len())
	}
	var reply controllerpb.ListRunnersResponse
	if err := conn.Invoke(ctx, method, &controllerpb.ListRunnersRequest{}, &reply, transport.KeepRaw()); err != nil || len(reply.GetRunners()) != 2 {
		t.Errorf("into a message: %v, %v", &reply, err)
	}
}
