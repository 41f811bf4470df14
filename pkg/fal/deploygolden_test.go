package fal_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

type goldenRequest struct {
	Message string
	JSON    map[string]any
}

func golden(t *testing.T, name string) []goldenRequest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Requests []goldenRequest }
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	return recorded.Requests
}

// dig is the value at a path of keys; numbers are places in a list.
func dig(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, key := range path {
		switch key := key.(type) {
		case string:
			v = v.(map[string]any)[key]
		case int:
			v = v.([]any)[key]
		}
	}
	return v
}

func texts(v any) (list []string) {
	for _, item := range v.([]any) {
		list = append(list, item.(string))
	}
	return list
}

func seconds(n int) *time.Duration {
	d := time.Duration(n) * time.Second
	return &d
}

// goldenApp is what was deployed in a golden case.
func goldenApp(t *testing.T, name string, requests []goldenRequest) (app fal.App, params fal.DeployParams, environment string) {
	t.Helper()
	register := requests[len(requests)-1].JSON
	switch name {
	case "image-min":
		app = fal.App{Name: "image-min", Build: fal.Image{Reference: "docker.io/library/nginx:latest", PythonVersion: "3.11"}}
	case "image-min-staging-detach-annotations":
		app = fal.App{Name: "image-min", Build: fal.Image{Reference: "docker.io/library/nginx:latest"}}
		params = fal.DeployParams{
			Attach: new(bool), Message: new("a1b2 fix é"), Annotations: map[string]string{"GIT_SHA": "123", "WHO": "bøb"},
		}
		environment = "staging"
	case "image-full":
		app = fal.App{
			Name: "image-only", AuthMode: new(fal.AuthPublic),
			Build: fal.Image{
				Reference:  "registry.example.test/acme/model:1.2.3",
				Entrypoint: &fal.Command{Exec: []string{"python", "-m", "srv"}}, Cmd: &fal.Command{Exec: []string{"--port", "8000"}},
				Registries: map[string]fal.Registry{"registry.example.test": {Username: "bob", Password: "hunter2"}},
			},
			Secrets: []string{"HF_TOKEN", "EXPOSED"}, DataMounts: []string{"/data", "/data/.cache"},
			MachineTypes: []string{"GPU-H100", "GPU-H200"}, NumGPUs: new(2), Regions: []string{"us-east", "eu-north"},
			KeepAlive: seconds(120), MinConcurrency: new(1), MaxConcurrency: new(4), MaxMultiplexing: new(3),
			ConcurrencyBuffer: new(1), ConcurrencyBufferPerc: new(10), ScalingDelay: seconds(5),
			RequestTimeout: seconds(900), StartupTimeout: seconds(1200), TerminationGracePeriod: seconds(15),
			ExposedPort: new(8000), MetricsPort: new(9100),
			HealthCheck: &fal.HealthCheck{
				Path: "/health", Timeout: seconds(5), FailureThreshold: new(3), StartPeriod: seconds(30), CallRegularly: new(true),
			},
			SkipRetryConditions: []fal.RetryCondition{fal.RetryTimeout, fal.RetryServerError},
			Retries:             map[fal.RetryCondition]int{fal.RetryTimeout: 1, fal.RetryConnectionError: 3},
			PrivateLogs:         new(true),
		}
		params.Strategy = new(fal.StrategyRecreate)
	case "dockerfile-only":
		ignore := dig(t, register, "environments", 0, "configuration", "image", "docker_ignore")
		app = fal.App{Name: "dockerfile-only", Build: fal.Dockerfile{
			Text: "FROM python:3.11-slim\nARG A\nRUN echo hello é\n", BuildArgs: map[string]string{"A": "1"},
			Secrets: map[string]string{"S": "s3cr3t"}, ContextDir: "/project", Ignore: texts(ignore),
		}}
	case "entry":
		app = fal.App{
			Name: "entry", AuthMode: new(fal.AuthPrivate), Entrypoint: "mymod.app:MyApp", MachineTypes: []string{"GPU-H100"},
			Build: fal.Virtualenv{Requirements: []string{"numpy==1.26.4", "café-lib"}, PythonVersion: "3.11"},
		}
	case "entry-min":
		app = fal.App{Name: "entry-min", Entrypoint: "m:A", Build: fal.Virtualenv{PythonVersion: "3.11"}}
	case "pyfile-App":
		environment := dig(t, register, "environments", 0).(map[string]any)
		app = fal.App{
			Name: "my-py-app", AuthMode: new(fal.AuthShared),
			Build:        fal.Definition{Kind: environment["kind"].(string), Configuration: environment["configuration"].(map[string]any)},
			Function:     &fal.SerializedObject{Method: "cloudpickle", Definition: []byte("callable")},
			MachineTypes: []string{"GPU-H100"}, KeepAlive: seconds(60), MaxConcurrency: new(3),
			ExposedPort: new(8080), MetricsPort: new(9090),
			Scheduler: new("nomad"), SchedulerOptions: map[string]any{"storage_region": "us-east"},
			SourceCode: new(dig(t, register, "source_code").(string)),
			OpenAPI:    dig(t, register, "metadata", "openapi").(map[string]any),
		}
		if mode := dig(t, register, "function", "method"); mode != "cloudpickle" {
			t.Fatalf("the function is a %v", mode)
		}
		register["function"].(map[string]any)["definition"] = "Y2FsbGFibGU="
	default:
		t.Fatalf("no app for the golden case %s", name)
	}
	return app, params, environment
}

// TestDeploysOfTheOfficialClient deploys the same apps, and compares all that
// is sent.
func TestDeploysOfTheOfficialClient(t *testing.T) {
	cases, err := filepath.Glob("testdata/golden/*.json")
	if err != nil || len(cases) != 7 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		name := filepath.Base(path[:len(path)-len(".json")])
		t.Run(name, func(t *testing.T) {
			requests := golden(t, name)
			app, params, environment := goldenApp(t, name, requests)
			server := faltest.New(t)
			server.SetBuild(faltest.Build{})
			server.SetRegister(faltest.Registration{})
			if openapi, ok := dig(t, requests[len(requests)-1].JSON, "metadata").(map[string]any); ok && app.Entrypoint != "" {
				server.SetMetadata(openapi)
			}
			o := server.Options()
			o.Environment = environment
			ctx, client := newClient(t, o)
			if _, err := client.Deploy(ctx, app, &params); err != nil {
				t.Fatal(err)
			}
			calls := server.Calls()
			if len(calls) != len(requests)+1 || calls[0].Method != "ListAliases" {
				t.Fatalf("%d calls, the first %s; want ListAliases and %d", len(calls), calls[0].Method, len(requests))
			}
			methods := map[string]string{
				"BuildEnvironmentRequest": "BuildEnvironment", "HostedRun": "Run", "RegisterApplicationRequest": "RegisterApplication",
			}
			for i, want := range requests {
				call := calls[i+1]
				if want.Message == "HostedRun" {
					// The official client lets everybody call the app while
					// it is asked for its description, also a private one.
					want.JSON["auth_mode"] = "PRIVATE"
				}
				var got map[string]any
				if err := json.Unmarshal(call.Request, &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.JSON, got); diff != "" || call.Method != methods[want.Message] {
					t.Errorf("%s (want %s), official -, ours +:\n%s", call.Method, want.Message, diff)
				}
			}
		})
	}
}
