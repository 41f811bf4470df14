package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func TestEncodeRunners(t *testing.T) {
	now := time.Date(2026, 11, 21, 18, 30, 0, 0, time.UTC)
	up := state.Runner{ID: "r", Alias: "web", Revision: "1", MachineType: "XS", State: state.Idle, StartedAt: now.Add(-1500 * time.Millisecond)}
	with := func(edit func(*state.Runner)) state.Runner {
		r := up
		edit(&r)
		return r
	}
	for name, test := range map[string]struct {
		runner state.Runner
		want   string
	}{
		"idle": {up, `{"runner_id":"r","uptime":1.5,"revision":"1","alias":"web","state":"IDLE","machine_type":"XS",
			"external_metadata":{"present_in_group":true,"leases":[]}}`},
		"expires in a moment": {with(func(r *state.Runner) { r.ExpiresAt = now.Add(time.Millisecond) }),
			`{"runner_id":"r","uptime":1.5,"revision":"1","alias":"web","state":"IDLE","machine_type":"XS","expiration_countdown":1,
			"external_metadata":{"present_in_group":true,"leases":[]}}`},
		"should have expired": {with(func(r *state.Runner) { r.ExpiresAt = now.Add(-time.Hour) }),
			`{"runner_id":"r","uptime":1.5,"revision":"1","alias":"web","state":"IDLE","machine_type":"XS","expiration_countdown":0,
			"external_metadata":{"present_in_group":true,"leases":[]}}`},
		"running": {with(func(r *state.Runner) {
			r.State = state.Running
			r.Replacement = state.WillReplace
			r.Leases = []state.Lease{{RequestID: "q", CallerUserID: "u", LeasedAt: now.Add(250 * time.Millisecond)}, {CallerUserID: "u", LeasedAt: now}}
		}), fmt.Sprintf(`{"runner_id":"r","uptime":1.5,"revision":"1","alias":"web","state":"RUNNING","replacement":"WILL_REPLACE","machine_type":"XS","in_flight_requests":2,
			"external_metadata":{"present_in_group":true,"leases":[
				{"request_id":"q","caller_user_id":"u","leased_at_epoch":%d.25},{"request_id":null,"caller_user_id":"u","leased_at_epoch":%[1]d}]}}`, now.Unix())},
		"waiting": {with(func(r *state.Runner) { r.State, r.CreatedAt = state.FailureDelay, now.Add(-time.Minute) }),
			`{"runner_id":"r","uptime":60,"revision":"1","alias":"web","state":"FAILURE_DELAY","machine_type":"XS","external_metadata":{"present_in_group":true,"leases":[]}}`},
		"ended": {with(func(r *state.Runner) { r.State, r.EndedAt = state.Terminated, now.Add(-time.Second) }),
			`{"runner_id":"r","uptime":0.5,"revision":"1","alias":"web","state":"TERMINATED","machine_type":"XS","external_metadata":{"leases":[]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var want pb.RunnerInfo
			if err := protojson.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			got := encodeRunners([]*state.Runner{&test.runner}, now)
			if len(got) != 1 || !proto.Equal(got[0], &want) {
				t.Errorf("%v\nwant %v", got, &want)
			}
		})
	}
}

func TestStatesHaveTheNumbersOfTheWire(t *testing.T) {
	for _, st := range []state.RunnerState{state.Running, state.Pending, state.Setup, state.Draining, state.Terminating, state.Terminated, state.Idle, state.FailureDelay} {
		if got := pb.RunnerInfo_State(st).String(); got != st.String() {
			t.Errorf("%s is %s on the wire", st, got)
		}
	}
	for replacement, want := range map[state.Replacement]pb.RunnerInfo_ReplaceState{
		state.NoReplace: pb.RunnerInfo_NO_REPLACE, state.WillReplace: pb.RunnerInfo_WILL_REPLACE, state.DidReplace: pb.RunnerInfo_DID_REPLACE,
	} {
		if got := pb.RunnerInfo_ReplaceState(replacement); got != want {
			t.Errorf("replacement %d is %s on the wire", replacement, got)
		}
	}
}

func TestEncodeError(t *testing.T) {
	for _, test := range []struct {
		err  error
		code codes.Code
		text string
	}{
		{nil, codes.OK, ""},
		{&state.Error{Kind: state.Invalid, Message: "m"}, codes.InvalidArgument, "m"},
		{&state.Error{Kind: state.Unauthenticated, Message: "m"}, codes.Unauthenticated, "m"},
		{&state.Error{Kind: state.Denied, Message: "m"}, codes.PermissionDenied, "m"},
		{&state.Error{Kind: state.NotFound, Message: "m"}, codes.NotFound, "m"},
		{&state.Error{Kind: state.Exhausted, Message: "m"}, codes.ResourceExhausted, "m"},
		{fmt.Errorf("wrapped: %w", &state.Error{Kind: state.Conflict, Message: "m"}), codes.FailedPrecondition, "m"},
		{context.Canceled, codes.Canceled, "context canceled"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "read: context deadline exceeded"},
		{status.Error(codes.Unimplemented, "method Run not implemented"), codes.Unimplemented, "the local control plane does not serve Run"},
		{status.Error(codes.InvalidArgument, "m"), codes.InvalidArgument, "m"},
		{errors.New("disk full"), codes.Internal, "disk full"},
	} {
		got := encodeError(test.err, "/controller.IsolateController/Run")
		if status.Code(got) != test.code || status.Convert(got).Message() != test.text {
			t.Errorf("%v becomes %v, want %s %q", test.err, got, test.code, test.text)
		}
	}
}
