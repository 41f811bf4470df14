package fal

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// deploymentFields are the fields that the requests of a deployment carry, as
// "register.machine_requirements.keep_alive", with their values.
func deploymentFields(t *testing.T, app App, params DeployParams) map[string]string {
	t.Helper()
	r := &deployRequest{app: &app, params: &params, environment: "staging", files: []*controllerpb.File{{Hash: "h", RelativePath: "p"}}}
	build, err := r.build()
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.describe()
	if err != nil {
		t.Fatal(err)
	}
	register, err := r.register(nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for name, m := range map[string]proto.Message{"build": build, "run": run, "register": register} {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		flatten(name, v, fields)
	}
	return fields
}

// flatten takes objects apart, but not those that anything may be in.
func flatten(at string, v any, into map[string]string) {
	object, ok := v.(map[string]any)
	if !ok || strings.HasSuffix(at, "scheduler_options") || len(object) == 0 {
		into[at] = fmt.Sprint(v)
		return
	}
	for key, value := range object {
		flatten(at+"."+key, value, into)
	}
}

// TestEveryFieldOfAnAppReachesTheWire: each field makes exactly its own fields
// of the three requests differ, also where its value is zero.
func TestEveryFieldOfAnAppReachesTheWire(t *testing.T) {
	runners := func(field string) []string {
		return []string{"register.machine_requirements." + field, "run.machine_requirements." + field}
	}
	everywhere := func(field string) []string {
		return []string{"build." + field, "register." + field, "run." + field}
	}
	machines := func(field string) []string { return everywhere("machine_requirements." + field) }
	check := func(field string) []string {
		return []string{"register.health_check_config." + field, "run.health_check_config." + field}
	}
	wire := map[string][]string{
		"Name":                   everywhere("application_name"),
		"AuthMode":               {"register.auth_mode", "run.auth_mode"},
		"Build":                  everywhere("environments"),
		"Entrypoint":             {"register.entrypoint", "run.entrypoint"},
		"Secrets":                everywhere("secrets.names"),
		"DataMounts":             {"register.data_mounts", "run.data_mounts"},
		"MachineTypes":           slices.Concat(machines("machine_type"), machines("machine_types")),
		"NumGPUs":                machines("num_gpus"),
		"Regions":                machines("valid_regions"),
		"KeepAlive":              runners("keep_alive"),
		"MinConcurrency":         runners("min_concurrency"),
		"MaxConcurrency":         runners("max_concurrency"),
		"ConcurrencyBuffer":      runners("concurrency_buffer"),
		"ConcurrencyBufferPerc":  runners("concurrency_buffer_perc"),
		"ScalingDelay":           runners("scaling_delay_seconds"),
		"MaxMultiplexing":        runners("max_multiplexing"),
		"RequestTimeout":         runners("request_timeout"),
		"StartupTimeout":         runners("startup_timeout"),
		"TerminationGracePeriod": {"register.termination_grace_period_seconds"},
		"ExposedPort":            runners("exposed_port"),
		"MetricsPort":            runners("metrics_port"),
		"BaseImage":              machines("base_image"),
		"Scheduler":              machines("scheduler"),
		"SchedulerOptions":       machines("scheduler_options"),
		"HealthCheck":            slices.Concat(check("allow_on_busy"), check("call_regularly"), check("failure_threshold"), check("method"), check("path"), check("start_period_seconds"), check("timeout_seconds")),
		"SkipRetryConditions":    {"register.skip_retry_conditions"},
		"Retries":                {"register.retry_config"},
		"PrivateLogs":            {"register.private_logs"},
		"RunOnMainThread":        {"register.run_on_main_thread"},
		"SourceCode":             {"register.source_code"},
		"OpenAPI":                {"register.metadata.openapi.k"},

		"Strategy":    {"register.deployment_strategy"},
		"ResetScale":  {"register.scale"},
		"Attach":      {"register.attach_to_deployment"},
		"NoCache":     {"build.environments"},
		"Message":     {"register.metadata.message"},
		"Annotations": {"register.metadata.annotations.k"},
	}
	samples := map[string]any{
		"Entrypoint":       "other:B",
		"Build":            Image{Reference: "other"},
		"SchedulerOptions": map[string]any{"k": "v"},
		"OpenAPI":          map[string]any{"k": "v"},
		"Annotations":      map[string]string{"k": "v"},
		"Retries":          map[RetryCondition]int{RetryTimeout: 1},
		"Secrets":          []string{"a"}, "DataMounts": []string{"a"}, "MachineTypes": []string{"L"}, "Regions": []string{"a"},
		"HealthCheck": &HealthCheck{Path: "/h", StartPeriod: new(time.Second), Timeout: new(time.Second), FailureThreshold: new(1), CallRegularly: new(true), AllowOnBusy: new(true), Method: "POST"},
		"Strategy":    new(StrategyRecreate),
		"AuthMode":    new(AuthShared),
	}
	// Neither of these is a field of the requests by itself.
	elsewhere := []string{"Function", "Files", "Sources", "Progress", "Uploads"}
	base := App{Name: "checkout", Entrypoint: "m:A", Build: Virtualenv{PythonVersion: "3.12"}}
	plain := deploymentFields(t, base, DeployParams{})
	for _, of := range []reflect.Type{reflect.TypeFor[App](), reflect.TypeFor[DeployParams]()} {
		for field := range of.Fields() {
			if slices.Contains(elsewhere, field.Name) {
				continue
			}
			want, ok := wire[field.Name]
			if !ok {
				t.Errorf("%s: it is not known what it does", field.Name)
				continue
			}
			for _, zero := range []bool{false, true} {
				app, params := base, DeployParams{}
				target := reflect.ValueOf(&app).Elem()
				if of != target.Type() {
					target = reflect.ValueOf(&params).Elem()
				}
				value := target.FieldByName(field.Name)
				switch given, ok := samples[field.Name]; {
				case ok && zero:
					continue
				case ok:
					value.Set(reflect.ValueOf(given))
				case !sample(t, value, zero):
					continue
				}
				got := deploymentFields(t, app, params)
				var changed []string
				for at := range maps.Keys(got) {
					if before, ok := plain[at]; !ok || before != got[at] {
						changed = append(changed, at)
					}
				}
				slices.Sort(changed)
				slices.Sort(want)
				if diff := cmp.Diff(want, changed); diff != "" {
					t.Errorf("%s (zero: %t), want -, got +:\n%s", field.Name, zero, diff)
				}
			}
		}
	}
	for _, at := range []string{"build.files", "run.files", "register.files"} {
		if plain[at] != "[map[hash:h relative_path:p]]" {
			t.Errorf("%s is %s", at, plain[at])
		}
	}
}

func TestBuildsOnTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		build     Build
		imageOnly bool
		want      string
	}{
		"layers":            {Virtualenv{Layers: [][]string{{"a"}, {"b", "c"}}}, false, `{"requirements":[["a"],["b","c"]]}`},
		"bare":              {Virtualenv{}, false, `{}`},
		"a shell's command": {Image{Reference: "i", Cmd: &Command{Shell: "run it"}}, false, `{"image":{"cmd":"run it","image":"i"}}`},
		"an empty command":  {Image{Reference: "i", Entrypoint: &Command{Exec: []string{}}}, true, `{"image":{"entrypoint":[],"image":"i","use_isolate":false},"python_version":"3.11"}`},
		"a Dockerfile": {
			Dockerfile{Text: "FROM x", Sources: []string{"a"}, ContextDir: "/p", PythonVersion: "3.12", Secrets: BuildSecrets{"S": "v"}, Registries: map[string]Registry{"r": {"u", "p"}}}, false,
			`{"image":{"build_args":{},"builder":null,"compression":"gzip","docker_context_dir":"/p","docker_files_list":["a"],"docker_ignore":[],"dockerfile_str":"FROM x","force_compression":false,"registries":{"r":{"password":"p","username":"u"}},"secrets":{"S":"v"}},"python_version":"3.12"}`,
		},
		"as it is": {Definition{Kind: "conda", Configuration: map[string]any{"packages": []string{"a"}}}, false, `{"packages":["a"]}`},
	} {
		_, configuration, err := c.build.definition(c.imageOnly)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var a arguments
		got, err := json.Marshal(a.object("it", configuration).AsMap())
		if err != nil || a.err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, %v; want %s", name, got, err, a.err, c.want)
		}
	}
}

func TestPythonSeconds(t *testing.T) {
	for want, at := range map[string]time.Time{
		"0.0":                {},
		"1700000000.0":       time.Unix(1700000000, 0),
		"1700000000.1234567": time.Unix(1700000000, 123456700),
		"1700000000.5":       time.Unix(1700000000, 500000000),
	} {
		if got := pythonSeconds(at); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
