package grpcapi

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func registration(t *testing.T, text string) *pb.RegisterApplicationRequest {
	t.Helper()
	var request pb.RegisterApplicationRequest
	if err := protojson.Unmarshal([]byte(text), &request); err != nil {
		t.Fatal(err)
	}
	return &request
}

func TestSpecOf(t *testing.T) {
	health := state.HealthDefaults("/health")
	set := health
	set.StartPeriod, set.Timeout, set.FailureThreshold, set.CallRegularly, set.AllowOnBusy, set.Method = 0, time.Minute, 7, false, true, "POST"
	for name, test := range map[string]struct {
		request string
		want    state.AppSpec
		unknown []string
	}{
		"nothing": {`{"application_name": "web"}`, state.AppSpec{Name: "web"}, nil},
		"everything": {`{
			"application_name": "web--staging", "environment_name": "staging", "auth_mode": "PUBLIC", "build_environment": false,
			"deployment_strategy": "RECREATE", "scale": true, "private_logs": true, "source_code": "import fal",
			"health_check_config": {"path": "/health", "start_period_seconds": 0, "timeout_seconds": 60, "failure_threshold": 7,
				"call_regularly": false, "allow_on_busy": true, "method": "POST"},
			"machine_requirements": {"machine_type": "S", "machine_types": ["GPU-H100", "GPU-H200"], "num_gpus": 2, "keep_alive": 120,
				"min_concurrency": 1, "max_concurrency": 4, "max_multiplexing": 3, "concurrency_buffer": 5, "concurrency_buffer_perc": 10,
				"scaling_delay_seconds": 6, "request_timeout": 900, "startup_timeout": 1200, "valid_regions": ["us-east"],
				"exposed_port": 8000, "metrics_port": 9100},
			"metadata": {"message": "why", "annotations": {"a": "b"}, "openapi": {"paths": {}}, "more": 1},
			"retry_config": "{\"timeout\": {\"retries\": 1}}", "skip_retry_conditions": ["TIMEOUT", "SERVER_ERROR"],
			"secrets": {"names": ["HF_TOKEN"]}, "termination_grace_period_seconds": 15}`,
			state.AppSpec{
				Name: "web--staging", Environment: "staging", AuthMode: new(state.Public), Strategy: new(state.Recreate), ResetScale: true,
				Secrets: []string{"HF_TOKEN"}, MachineTypes: []string{"GPU-H100", "GPU-H200"}, NumGPUs: 2, MaxMultiplexing: 3, SourceCode: "import fal",
				StartupTimeout: 20 * time.Minute, GracePeriod: new(15 * time.Second), MinConcurrency: 1, MaxConcurrency: 4, ConcurrencyBuffer: 5,
				ConcurrencyBufferPerc: 10, KeepAlive: new(2 * time.Minute), ScalingDelay: 6 * time.Second, RequestTimeout: 15 * time.Minute,
				Regions: []string{"us-east"}, Message: "why", Annotations: map[string]string{"a": "b"}, OpenAPI: map[string]any{"paths": map[string]any{}},
				Serving: state.Serving{ExposedPort: new(8000), MetricsPort: new(9100), HealthCheck: &set, SkipRetry: []int{0, 2},
					RetryConfig: `{"timeout": {"retries": 1}}`, PrivateLogs: true},
			}, []string{"more"}},
		"zeroes": {`{"application_name": "web", "secrets": {}, "scale": false, "machine_requirements": {"keep_alive": 0, "exposed_port": 0}, "termination_grace_period_seconds": 0}`,
			state.AppSpec{Name: "web", Secrets: []string{}, KeepAlive: new(time.Duration(0)), GracePeriod: new(time.Duration(0)), Serving: state.Serving{ExposedPort: new(0)}}, nil},
		"a path alone": {`{"application_name": "web", "health_check_path": "/health"}`,
			state.AppSpec{Name: "web", HealthPath: "/health", Serving: state.Serving{HealthCheck: &health}}, nil},
		"as older clients say it": {`{"application_name": "web", "max_concurrency": 5, "machine_requirements": {"machine_type": "S"}}`,
			state.AppSpec{Name: "web", MaxConcurrency: 5, MachineTypes: []string{"S"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, unknown, err := specOf(registration(t, test.request))
			if err != nil || !reflect.DeepEqual(got, test.want) || !slices.Equal(unknown, test.unknown) {
				t.Errorf("%+v %v, %v\nwant %+v", got, unknown, err, test.want)
			}
		})
	}
}

// TestEveryFieldOfARegistrationIsRead fails when the message gets a field that
// nobody has thought about.
func TestEveryFieldOfARegistrationIsRead(t *testing.T) {
	for message, names := range map[proto.Message][]string{
		&pb.RegisterApplicationRequest{}: {
			"environments", "machine_requirements", "function", "setup_func", "application_name", "auth_mode", "max_concurrency", "metadata",
			"deployment_strategy", "scale", "private_logs", "files", "source_code", "health_check_path", "environment_name",
			"health_check_config", "skip_retry_conditions", "termination_grace_period_seconds", "data_mounts", "entrypoint", "secrets",
			"run_on_main_thread", "retry_config", "attach_to_deployment",
			// Without a meaning here: what is built is found by its content, whether
			// a build is asked for or not, and nothing asks an app for its openapi.
			"fetch_openapi", "build_environment", "env_id",
		},
		&pb.MachineRequirements{}: {
			"machine_type", "keep_alive", "exposed_port", "max_multiplexing", "max_concurrency", "min_concurrency", "machine_types", "num_gpus",
			"request_timeout", "startup_timeout", "concurrency_buffer", "concurrency_buffer_perc", "scaling_delay_seconds", "valid_regions", "metrics_port",
			// There is one machine.
			"base_image", "scheduler", "scheduler_options",
		},
		&pb.ApplicationHealthCheckConfig{}: {"path", "start_period_seconds", "timeout_seconds", "failure_threshold", "call_regularly", "allow_on_busy", "method"},
	} {
		fields := message.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			if name := string(fields.Get(i).Name()); !slices.Contains(names, name) {
				t.Errorf("%T: nothing is done with %s", message, name)
			}
		}
	}
}
