package project_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/pkg/project"
)

// TestGoldenRequests deploys the golden project, and compares each request with
// that of the official client. One is meant to differ: the class of a private
// app describes itself in a run that is private too.
func TestGoldenRequests(t *testing.T) {
	dir := golden(t)
	annotated := &fal.DeployParams{Attach: ptr(false), Message: ptr("a1b2 fix é"), Annotations: map[string]string{"GIT_SHA": "123", "WHO": "bøb"}}
	for name, test := range map[string]struct {
		ref, environment string
		params           *fal.DeployParams
	}{
		"image-full":                           {ref: "image-only"},
		"image-min":                            {ref: "image-min"},
		"dockerfile-only":                      {ref: "dockerfile-only"},
		"entry":                                {ref: "entry"},
		"entry-min":                            {ref: "entry-min"},
		"image-min-staging-detach-annotations": {"image-min", "staging", annotated},
	} {
		t.Run(name, func(t *testing.T) {
			want := goldenRequests(t, name, dir)
			server := faltest.New(t)
			server.SetBuild(faltest.Build{})
			server.SetRegister(faltest.Registration{})
			server.SetMetadata(goldenMetadata())
			options := server.Options()
			options.Environment = test.environment
			client, err := fal.New(options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := client.Close(); err != nil {
					t.Error(err)
				}
			})

			loaded := load(t, project.Options{Dir: dir, Ref: test.ref, Getenv: python(t, "3.11")})
			params := &fal.DeployParams{}
			if test.params != nil {
				params = test.params
			}
			params.Strategy = loaded.Strategy
			if loaded.ResetScale != nil {
				params.ResetScale = *loaded.ResetScale
			}
			if _, err := client.Deploy(t.Context(), loaded.App, params); err != nil {
				t.Fatal(err)
			}
			for message, request := range want {
				calls := server.Calls(methods()[message])
				if len(calls) != 1 {
					t.Errorf("%d calls of %s, want 1", len(calls), methods()[message])
					continue
				}
				var got any
				if err := json.Unmarshal(calls[0].Request, &got); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(request, got); d != "" {
					t.Errorf("%s: -want +got\n%s", message, d)
				}
			}
			if got := len(server.Calls("Run")); got > 0 && want["HostedRun"] == nil {
				t.Errorf("%d runs, want none", got)
			}
		})
	}
}

// methods are the calls that the messages belong to.
func methods() map[string]string {
	return map[string]string{
		"BuildEnvironmentRequest": "BuildEnvironment", "HostedRun": "Run", "RegisterApplicationRequest": "RegisterApplication",
	}
}

// goldenRequests are the requests of a case by their message, for a project in
// dir.
func goldenRequests(t *testing.T, name, dir string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", "requests", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(dir)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Requests []struct {
			Message string
			JSON    map[string]any
		}
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), `"/project"`, string(quoted))), &file); err != nil {
		t.Fatal(err)
	}
	requests := map[string]any{}
	for _, request := range file.Requests {
		if request.Message == "HostedRun" {
			request.JSON["auth_mode"] = "PRIVATE"
		}
		requests[request.Message] = request.JSON
	}
	if len(requests) < 2 {
		t.Fatalf("%d requests in %s", len(requests), name)
	}
	return requests
}

func goldenMetadata() map[string]any {
	return map[string]any{"openapi": map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "entrypoint é", "version": "0.1.0"},
		"paths": map[string]any{
			"/":       map[string]any{"post": map[string]any{"operationId": "root"}},
			"/status": map[string]any{"get": map[string]any{}},
		},
	}}
}
