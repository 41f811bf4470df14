package grpcapi

import (
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func everySetting() state.Settings {
	return state.Settings{MachineTypes: []string{"M", "L"}, MaxMultiplexing: 2, MinConcurrency: 3, MaxConcurrency: 4, ConcurrencyBuffer: 5,
		ConcurrencyBufferPerc: 6, KeepAlive: 7 * time.Second, ScalingDelay: 8 * time.Second, RequestTimeout: 9 * time.Second,
		StartupTimeout: 1500 * time.Millisecond, Regions: []string{"us-east"}}
}

func TestEncodeApps(t *testing.T) {
	apps := []state.AppInfo{
		{
			App: &state.App{
				App: store.App{Alias: "web--staging", Environment: "staging", AuthMode: int(state.Shared), Settings: everySetting()},
				Rev: store.Revision{RevisionID: "r", Settings: state.Settings{MinConcurrency: 99}},
			},
			ActiveRunners: 2, Rolling: true,
		},
		{App: &state.App{App: store.App{Alias: "bare", Environment: "main"}}},
	}
	got := encodeApps(apps)
	for i, text := range []string{
		`{"alias":"web--staging","revision":"r","auth_mode":"SHARED","max_concurrency":4,"max_multiplexing":2,"keep_alive":7,"active_runners":2,
			"min_concurrency":3,"machine_types":["M","L"],"request_timeout":9,"startup_timeout":2,"valid_regions":["us-east"],"concurrency_buffer":5,
			"concurrency_buffer_perc":6,"scaling_delay_seconds":8,"environment_name":"staging","is_rolling":true}`,
		`{"alias":"bare","request_timeout":0,"startup_timeout":0,"concurrency_buffer":0,"concurrency_buffer_perc":0,"scaling_delay_seconds":0}`,
	} {
		var want pb.AliasInfo
		if err := protojson.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got[i], &want) {
			t.Errorf("%v\nwant %v", got[i], &want)
		}
	}
}

func TestEncodeRevisions(t *testing.T) {
	got := encodeRevisions([]state.RevisionInfo{{
		Revision: &store.Revision{RevisionID: "r", Environment: "staging", Settings: everySetting(), CreatedAt: time.Unix(1, 5000)}, ActiveRunners: 2,
	}})
	var want pb.ApplicationInfo
	if err := protojson.Unmarshal([]byte(`{"application_id":"r","max_concurrency":4,"max_multiplexing":2,"keep_alive":7,"active_runners":2,
		"min_concurrency":3,"machine_types":["M","L"],"request_timeout":9,"startup_timeout":2,"valid_regions":["us-east"],"concurrency_buffer":5,
		"concurrency_buffer_perc":6,"scaling_delay_seconds":8,"environment_name":"staging","created_at":"1970-01-01T00:00:01.000005Z"}`), &want); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !proto.Equal(got[0], &want) {
		t.Errorf("%v\nwant %v", got, &want)
	}
}

func TestOptionalFields(t *testing.T) {
	if number(nil) != nil || duration(nil) != nil {
		t.Error("what is absent is there")
	}
	if *number(new(int32(0))) != 0 || *duration(new(int32(0))) != 0 || *duration(new(int32(-3))) != -3*time.Second {
		t.Error("zero is a value, and what is wrong is not mended")
	}
	for d, want := range map[time.Duration]int32{0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, math.MaxInt64: math.MaxInt32} {
		if got := seconds(d); got != want {
			t.Errorf("%s is %d s, want %d", d, got, want)
		}
	}
}

func TestAuthModesAndStrategiesHaveTheNumbersOfTheWire(t *testing.T) {
	for mode, want := range map[state.AuthMode]pb.ApplicationAuthMode{
		state.Private: pb.ApplicationAuthMode_PRIVATE, state.Public: pb.ApplicationAuthMode_PUBLIC, state.Shared: pb.ApplicationAuthMode_SHARED,
	} {
		if got := pb.ApplicationAuthMode(mode); got != want {
			t.Errorf("auth mode %d is %s on the wire", mode, got)
		}
	}
	for strategy, want := range map[state.Strategy]pb.DeploymentStrategy{
		state.Recreate: pb.DeploymentStrategy_RECREATE, state.Rolling: pb.DeploymentStrategy_ROLLING,
	} {
		if got := pb.DeploymentStrategy(strategy); got != want {
			t.Errorf("strategy %d is %s on the wire", strategy, got)
		}
	}
}
