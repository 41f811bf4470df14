package controlplane

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func TestAuthentication(t *testing.T) {
	s := start(t, Options{})
	good := s.Credentials()
	account := caller(t, s).Account
	stranger, strangerKey, err := s.CreateAccount(t.Context(), "stranger", "A Stranger")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, Credentials{})
	for name, test := range map[string]struct {
		metadata []string
		header   http.Header
		code     codes.Code
		status   int
	}{
		"none":           {code: codes.Unauthenticated, status: 401},
		"good":           {metadata: []string{"auth-key-id", good.KeyID, "auth-key", good.Secret}, header: http.Header{"Authorization": {"Key " + good.Key()}}, status: 200},
		"other account":  {metadata: []string{"auth-key-id", strangerKey.KeyID, "auth-key", strangerKey.Secret}, header: http.Header{"Authorization": {"Key " + strangerKey.Key()}}, status: 200},
		"unknown id":     {metadata: []string{"auth-key-id", uuid.NewString(), "auth-key", good.Secret}, header: http.Header{"Authorization": {"Key " + uuid.NewString() + ":" + good.Secret}}, code: codes.Unauthenticated, status: 401},
		"wrong secret":   {metadata: []string{"auth-key-id", good.KeyID, "auth-key", "wrong"}, header: http.Header{"Authorization": {"Key " + good.KeyID + ":wrong"}}, code: codes.Unauthenticated, status: 401},
		"empty secret":   {metadata: []string{"auth-key-id", good.KeyID, "auth-key", ""}, header: http.Header{"Authorization": {"Key " + good.KeyID + ":"}}, code: codes.Unauthenticated, status: 401},
		"another's":      {metadata: []string{"auth-key-id", good.KeyID, "auth-key", strangerKey.Secret}, header: http.Header{"Authorization": {"Key " + good.KeyID + ":" + strangerKey.Secret}}, code: codes.Unauthenticated, status: 401},
		"token":          {metadata: []string{"authorization", "Bearer abc"}, header: http.Header{"Authorization": {"Bearer abc"}}, code: codes.Unauthenticated, status: 401},
		"no colon":       {metadata: []string{"auth-key-id", good.KeyID}, header: http.Header{"Authorization": {"Key " + good.KeyID}}, code: codes.Unauthenticated, status: 401},
		"own account":    {metadata: []string{"auth-key-id", good.KeyID, "auth-key", good.Secret, "fal-user-id", account.UserID}, header: http.Header{"Authorization": {"Key " + good.Key()}, "X-Fal-User-Id": {account.UserID}}, status: 200},
		"acting as both": {metadata: []string{"auth-key-id", good.KeyID, "auth-key", good.Secret, "fal-user-id", stranger.UserID}, header: http.Header{"Authorization": {"Key " + good.Key()}, "X-Fal-User-Id": {stranger.UserID}}, code: codes.PermissionDenied, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := metadata.AppendToOutgoingContext(t.Context(), test.metadata...)
			var header metadata.MD
			_, err := c.ListRunners(ctx, &pb.ListRunnersRequest{}, grpc.Header(&header))
			if status.Code(err) != test.code {
				t.Errorf("gRPC: %v, want %v", err, test.code)
			}
			if err != nil && (strings.Contains(err.Error(), good.Secret) || status.Convert(err).Message() == "") {
				t.Errorf("gRPC says %q", err)
			}
			if id := header.Get("x-request-id"); len(id) != 1 || uuid.Validate(id[0]) != nil {
				t.Errorf("gRPC request id %q", id)
			}
			code, body, answered := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", test.header)
			if code != test.status {
				t.Errorf("REST: %d %s, want %d", code, body, test.status)
			}
			if detail, _ := body["detail"].(string); code != 200 && detail == "" {
				t.Errorf("REST answers %v", body)
			}
			if uuid.Validate(answered.Get("X-Request-Id")) != nil {
				t.Errorf("REST request id %q", answered.Get("X-Request-Id"))
			}
		})
	}
}

// rest sends a request and decodes the object it is answered with.
func rest(t *testing.T, c *http.Client, method, url string, header http.Header) (int, map[string]any, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(content, &body); err != nil {
		t.Fatalf("%s %s answers %d %q: %v", method, url, response.StatusCode, content, err)
	}
	return response.StatusCode, body, response.Header
}

func TestOthersRunnersAreOutOfReach(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	_, key, err := s.CreateAccount(t.Context(), "stranger", "A Stranger")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, key)
	if listed := c.list(t); len(listed) != 0 {
		t.Errorf("a stranger sees %v", listed)
	}
	_, err = c.StopRunner(c.ctx, &pb.StopRunnerRequest{RunnerId: r.ID})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("a stranger stops it: %v", err)
	}
	_, err = c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: r.ID})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("a stranger kills it: %v", err)
	}
	_, err = c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "web"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("a stranger lists the app: %v", err)
	}
	code, _, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/runners/"+r.ID, http.Header{"Authorization": {"Key " + key.Key()}})
	if code != http.StatusForbidden {
		t.Errorf("a stranger asks for its life span: %d", code)
	}
	if got := runner(t, s, r.ID); got.State != state.Idle {
		t.Errorf("after all that it is %s", got.State)
	}
}

func TestBadInput(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	unknown := uuid.NewString()
	long := strings.Repeat("x", 1<<20)
	for name, test := range map[string]struct {
		call func() error
		code codes.Code
		says string
	}{
		"stop unknown": {func() error { _, err := c.StopRunner(c.ctx, &pb.StopRunnerRequest{RunnerId: unknown}); return err }, codes.NotFound, unknown},
		"stop nothing": {func() error { _, err := c.StopRunner(c.ctx, &pb.StopRunnerRequest{}); return err }, codes.InvalidArgument, "runner_id"},
		"stop long":    {func() error { _, err := c.StopRunner(c.ctx, &pb.StopRunnerRequest{RunnerId: long}); return err }, codes.InvalidArgument, "runner_id"},
		"kill unknown": {func() error { _, err := c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: unknown}); return err }, codes.NotFound, unknown},
		"kill nothing": {func() error { _, err := c.KillRunner(c.ctx, &pb.KillRunnerRequest{}); return err }, codes.InvalidArgument, "runner_id"},
		"list time": {func() error {
			_, err := c.ListRunners(c.ctx, &pb.ListRunnersRequest{StartTime: &timestamppb.Timestamp{Nanos: -1}})
			return err
		}, codes.InvalidArgument, "start_time"},
		"list no alias": {func() error {
			_, err := c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{})
			return err
		}, codes.InvalidArgument, "alias"},
		"list unknown alias": {func() error {
			_, err := c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "nothing"})
			return err
		}, codes.NotFound, "nothing"},
		"scope": {func() error {
			_, err := c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{Scope: 7})
			return err
		}, codes.InvalidArgument, "scope 7"},
		"long description": {func() error {
			_, err := c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{Alias: new(long)})
			return err
		}, codes.InvalidArgument, "256"},
		"revoke unknown": {func() error {
			_, err := c.RevokeUserKey(c.ctx, &pb.RevokeUserKeyRequest{KeyId: unknown})
			return err
		}, codes.NotFound, unknown},
		"revoke nothing": {func() error { _, err := c.RevokeUserKey(c.ctx, &pb.RevokeUserKeyRequest{}); return err }, codes.InvalidArgument, "key_id"},
		"not served": {func() error {
			stream, err := c.InteractiveRun(c.ctx)
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}, codes.Unimplemented, "InteractiveRun"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.call()
			if status.Code(err) != test.code || !strings.Contains(status.Convert(err).Message(), test.says) {
				t.Errorf("%v, want %v naming %q", err, test.code, test.says)
			}
		})
	}
}

func TestListRunners(t *testing.T) {
	s := start(t, Options{})
	ready, never := app(t, "ready"), app(t, "never", "unready")
	ready.MinConcurrency, never.MinConcurrency = 1, 1
	register(t, s, ready)
	register(t, s, never)
	up := awaitUp(t, s, "ready", 1)[0]
	await(t, "a runner in set-up", func() bool {
		runners := live(t, s, "never")
		return len(runners) == 1 && runners[0].State == state.Setup
	})
	setup := live(t, s, "never")[0]
	before := time.Now().Add(-time.Millisecond)
	c := dial(t, s, s.Credentials())
	stopRunner(t, c, up.ID, false)
	gone := awaitState(t, s, up.ID, state.Terminated)
	up = awaitUp(t, s, "ready", 1)[0]
	if err := s.ImportEndedRunners(t.Context(), 3); err != nil {
		t.Fatal(err)
	}

	list := func(request *pb.ListRunnersRequest) map[string]*pb.RunnerInfo {
		response, err := c.ListRunners(c.ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		return byID(response.GetRunners())
	}
	for name, test := range map[string]struct {
		request *pb.ListRunnersRequest
		want    []string
		more    int // imported ones
	}{
		"up":             {&pb.ListRunnersRequest{}, []string{up.ID}, 0},
		"not pending":    {&pb.ListRunnersRequest{ListPending: new(false)}, []string{up.ID}, 0},
		"pending":        {&pb.ListRunnersRequest{ListPending: new(true)}, []string{up.ID, setup.ID}, 0},
		"since a moment": {&pb.ListRunnersRequest{ListPending: new(true), StartTime: timestamppb.New(before)}, []string{up.ID, setup.ID, gone.ID}, 0},
		"since its end":  {&pb.ListRunnersRequest{StartTime: timestamppb.New(gone.EndedAt)}, []string{up.ID, gone.ID}, 0},
		"since later":    {&pb.ListRunnersRequest{StartTime: timestamppb.New(gone.EndedAt.Add(time.Microsecond))}, []string{up.ID}, 0},
		"since a day":    {&pb.ListRunnersRequest{StartTime: timestamppb.New(time.Now().Add(-24 * time.Hour))}, []string{up.ID, gone.ID}, 3},
		"since a year":   {&pb.ListRunnersRequest{StartTime: timestamppb.New(time.Now().AddDate(-1, 0, 0))}, []string{up.ID, gone.ID}, 3},
		"since ever":     {&pb.ListRunnersRequest{StartTime: &timestamppb.Timestamp{}}, []string{up.ID, gone.ID}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			got := list(test.request)
			for _, id := range test.want {
				if got[id] == nil {
					t.Errorf("runner %s is missing", id)
				}
			}
			if len(got) != len(test.want)+test.more {
				t.Errorf("%d runners, want %d", len(got), len(test.want)+test.more)
			}
		})
	}

	all := list(&pb.ListRunnersRequest{ListPending: new(true), StartTime: timestamppb.New(before)})
	if info := all[gone.ID]; info.GetState() != pb.RunnerInfo_TERMINATED || info.GetUptime() != float32(gone.EndedAt.Sub(gone.StartedAt).Seconds()) {
		t.Errorf("ended runner %v", info)
	}
	if info := all[setup.ID]; info.GetState() != pb.RunnerInfo_SETUP || info.State == nil || info.GetAlias() != "never" {
		t.Errorf("runner in set-up %v", info)
	}
	response, err := c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "ready", ListPending: new(true), StartTime: timestamppb.New(before), EnvironmentName: new("main")})
	if err != nil {
		t.Fatal(err)
	}
	if got := byID(response.GetRunners()); len(got) != 2 || got[up.ID] == nil || got[gone.ID] == nil {
		t.Errorf("runners of the app: %v", got)
	}
	_, span, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/runners/"+gone.ID, http.Header{"Authorization": {"Key " + s.Credentials().Key()}})
	if span["started_at"] != gone.CreatedAt.Format(restwire.TimeLayout) || span["ended_at"] != gone.EndedAt.Format(restwire.TimeLayout) {
		t.Errorf("life span %v", span)
	}
}

func byID(infos []*pb.RunnerInfo) map[string]*pb.RunnerInfo {
	m := make(map[string]*pb.RunnerInfo, len(infos))
	for _, info := range infos {
		m[info.GetRunnerId()] = info
	}
	return m
}

func TestUserKeys(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	created, err := c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{Scope: pb.CreateUserKeyRequest_API, Alias: new("ci")})
	if err != nil {
		t.Fatal(err)
	}
	listed, err := c.ListUserKeys(c.ctx, &pb.ListUserKeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(listed.GetUserKeys(), func(k *pb.UserKeyInfo) bool { return k.GetKeyId() == created.GetKeyId() })
	if len(listed.GetUserKeys()) != 2 || at != 1 {
		t.Fatalf("keys %v", listed)
	}
	if key := listed.GetUserKeys()[at]; key.GetScope() != pb.CreateUserKeyRequest_API || key.GetAlias() != "ci" || key.GetCreatedAt().AsTime().IsZero() {
		t.Errorf("key %v", key)
	}
	limited := dial(t, s, Credentials{KeyID: created.GetKeyId(), Secret: created.GetKeySecret()})
	if _, err := limited.ListRunners(limited.ctx, &pb.ListRunnersRequest{}); err != nil {
		t.Errorf("an API key lists runners: %v", err)
	}
	if _, err := limited.CreateUserKey(limited.ctx, &pb.CreateUserKeyRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("an API key creates an ADMIN key: %v", err)
	}
	if _, err := c.RevokeUserKey(c.ctx, &pb.RevokeUserKeyRequest{KeyId: created.GetKeyId()}); err != nil {
		t.Fatal(err)
	}
	if _, err := limited.ListRunners(limited.ctx, &pb.ListRunnersRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a revoked key lists runners: %v", err)
	}
	_, key, err := s.CreateAccount(t.Context(), "stranger", "A Stranger")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RevokeUserKey(c.ctx, &pb.RevokeUserKeyRequest{KeyId: key.KeyID}); status.Code(err) != codes.NotFound {
		t.Errorf("revoking another account's key: %v", err)
	}
}

func TestREST(t *testing.T) {
	s := start(t, Options{})
	base := "http://" + s.Addr()
	key := http.Header{"Authorization": {"Key " + s.Credentials().Key()}}
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, base+"/health", nil); code != 200 || body["status"] != "ok" {
		t.Errorf("health: %d %v", code, body)
	}
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, base+"/users/current", key); code != 200 || body["nickname"] != "local" || body["user_id"] == "" || body["full_name"] == "" {
		t.Errorf("current user: %d %v", code, body)
	}
	for method, path := range map[string]string{http.MethodGet: "/nothing/here", http.MethodDelete: "/users/current"} {
		if code, body, header := rest(t, http.DefaultClient, method, base+path, key); code != 404 || body["detail"] == "" || header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %v", method, path, code, body)
		}
	}
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, base+"/runners/"+uuid.NewString(), key); code != 404 || body["detail"] == "" {
		t.Errorf("unknown runner: %d %v", code, body)
	}
	if code, _, _ := rest(t, http.DefaultClient, http.MethodGet, base+"/nothing", nil); code != 401 {
		t.Errorf("unknown path without a key: %d", code)
	}
	// It would be that of an app.
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, base+"/nothing/here", nil); code != 404 || body["detail"] != `account "nothing" not found` {
		t.Errorf("unknown app without a key: %d %v", code, body)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, base+"/users/teams", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = key
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var teams []map[string]any
	if err := json.NewDecoder(response.Body).Decode(&teams); err != nil {
		t.Fatal(err)
	}
	if len(teams) != 1 || teams[0]["nickname"] != "local" || teams[0]["is_personal"] != true || teams[0]["lock_reason"] != nil {
		t.Errorf("teams %v", teams)
	}
}
