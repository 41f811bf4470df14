package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// newWire is a console whose deployments go through the SDK.
func newWire(t *testing.T) *console {
	tm := newTerm(t)
	tm.service = nil
	tm.server.ServeUploads()
	tm.server.SetBuild(faltest.Build{})
	return tm
}

// methods are the calls of gRPC that the server got.
func (tm *console) methods() []string {
	var names []string
	for _, c := range tm.server.Calls() {
		if c.Transport == faltest.GRPC {
			names = append(names, c.Method)
		}
	}
	return names
}

// What the line and the project say arrives at the service.
func TestWire(t *testing.T) {
	tm := newWire(t)
	tm.server.SetBuild(faltest.Build{Logs: []faltest.DeployLog{{Level: 2, Message: "[rank0]: :fire: \x1b[2J"}}})
	tm.server.SetRegister(faltest.Registration{Revision: revNew})
	r := tm.run("search", "--env", "staging", "--strategy", "recreate", "--reset-scale", "--message", "hello", "--annotation", "A=1", "--no-cache", "--json")
	if got := tm.object(r); got["revision"] != revNew || got["app_name"] != "search" || got["environment_name"] != "staging" {
		t.Errorf("%v", got)
	}
	if !strings.Contains(r.err, "  [rank0]: :fire: \\x1b[2J\n") || !strings.Contains(r.err, "uploaded the files, 2 files, 2 B") {
		t.Errorf("stderr %s", r.err)
	}
	if got, want := tm.methods(), []string{"ListAliases", "BuildEnvironment", "RegisterApplication"}; !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	var register struct {
		Name        string         `json:"application_name"`
		Environment string         `json:"environment_name"`
		Strategy    string         `json:"deployment_strategy"`
		Scale       bool           `json:"scale"`
		Metadata    map[string]any `json:"metadata"`
		Files       []struct {
			Path string `json:"relative_path"`
		} `json:"files"`
	}
	if err := json.Unmarshal(tm.server.Calls("RegisterApplication")[0].Request, &register); err != nil {
		t.Fatal(err)
	}
	annotations, _ := register.Metadata["annotations"].(map[string]any)
	if !register.Scale || register.Strategy != "RECREATE" || register.Environment != "staging" || register.Metadata["message"] != "hello" || annotations["A"] != "1" || len(register.Files) != 2 {
		t.Errorf("%+v", register)
	}
	if build := string(tm.server.Calls("BuildEnvironment")[0].Request); !strings.Contains(strings.ReplaceAll(build, " ", ""), `"force":true`) {
		t.Errorf("build %s", build)
	}
}

// A dry run reads and nothing else.
func TestWireDryRun(t *testing.T) {
	tm := newWire(t)
	if r := tm.run("search", "--dry-run"); r.code != 0 || !strings.Contains(r.out, "  + data/a  1 B\n  + data/b  1 B\n") || !strings.HasSuffix(r.out, "would deploy search\n") {
		t.Errorf("%+v", r)
	}
	if got := tm.methods(); !slices.Equal(got, []string{"ListAliases"}) {
		t.Errorf("calls %v", got)
	}
	for _, c := range tm.server.Calls() {
		if c.Transport == faltest.REST && !strings.Contains(c.Method, "missing_hashes") {
			t.Errorf("%s %s", c.Transport, c.Method)
		}
	}
}

func TestWireFailures(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		prepare    func(*console)
		code       int
		want       string
	}{
		{"build", "search", func(tm *console) {
			tm.server.SetBuild(faltest.Build{Failed: true, Logs: []faltest.DeployLog{{Level: 4, Message: "no space"}}})
		}, 1, "building the environment\nbuilding the environment ended after 0.0s\nfal deploy: error: building the environment: it failed: no space\n"},
		{"build of a long log", "search", func(tm *console) {
			tm.server.SetBuild(faltest.Build{Failed: true, Logs: []faltest.DeployLog{{Level: 4, Message: "no space\nbut much time"}, {Level: 2, Message: "tidied up"}}})
		}, 1, "  ERROR no space\n  but much time\n  tidied up\nbuilding the environment ended after 0.0s\nfal deploy: error: building the environment: it failed: but much time\n"},
		{"not allowed", "search", func(tm *console) {
			tm.server.Script("RegisterApplication", faltest.Fail(fal.CodePermissionDenied, "not yours"))
		}, 4, "error: registering the app: not yours\n"},
		{"gone", "search", func(tm *console) { tm.server.Close() }, 6, "error: "},
		{"message", "search --message " + strings.Repeat("x", 2049), func(*console) {}, 2, "2048"},
		{"annotation", "search --annotation openapi=1", func(*console) {}, 2, "openapi"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newWire(t)
			tt.prepare(tm)
			r := tm.run(strings.Fields(tt.line)...)
			if r.code != tt.code || r.out != "" || !strings.Contains(r.err, tt.want) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// --timeout is for the first answer, not for what comes behind it.
func TestFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := progress.New(progress.Options{Out: &strings.Builder{}})
		defer d.Close()
		j := &job{
			inv: &cli.Invocation{Timeout: time.Second}, task: d.Task(""), loaded: &project.Loaded{},
			session: &session.Session{Config: &config.Config{}},
		}
		for _, tt := range []struct {
			name    string
			timeout time.Duration
			events  []fal.DeployEvent // one each second
			works   bool
		}{
			{"a log", 3 * time.Second, []fal.DeployEvent{{Phase: fal.DeployBuild, Started: true}, {Phase: fal.DeployBuild, Log: &fal.DeployLog{}}}, true},
			{"bytes", 3 * time.Second, []fal.DeployEvent{{Phase: fal.DeployUpload, Started: true}, {Phase: fal.DeployUpload, Bytes: 1}}, true},
			{"an end", 3 * time.Second, []fal.DeployEvent{{Phase: fal.DeployBuild, Started: true}, {Phase: fal.DeployBuild, Ended: true}}, true},
			{"a beginning", 3 * time.Second, []fal.DeployEvent{{Phase: fal.DeployBuild, Started: true}}, false},
			{"a long read", 3 * time.Second, []fal.DeployEvent{{Phase: fal.DeployHash, Started: true}, {}, {}, {}, {}, {Phase: fal.DeployHash, Bytes: 1, Ended: true}, {Phase: fal.DeployBuild, Ended: true}}, true},
			{"a read alone", 3 * time.Second, []fal.DeployEvent{{Phase: fal.DeployHash, Started: true}, {Phase: fal.DeployHash, Bytes: 1}, {Phase: fal.DeployHash, Ended: true}}, false},
			{"a silent build", 0, []fal.DeployEvent{{Phase: fal.DeployBuild, Started: true}}, true},
			{"nothing", 0, nil, false},
		} {
			j.inv.Timeout = tt.timeout
			got, err := bounded(t.Context(), j, func(ctx context.Context, _ fal.App, p *fal.DeployParams) (string, error) {
				for _, e := range tt.events {
					time.Sleep(time.Second)
					if e.Phase != "" {
						p.Progress(e)
					}
				}
				select {
				case <-time.After(time.Hour):
					return "built", nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			})
			if works := got == "built" && err == nil; works != tt.works {
				t.Errorf("%s: %q, %v", tt.name, got, err)
			}
		}
		j.inv.Timeout = time.Second
		silent := func(ctx context.Context, _ fal.App, _ *fal.DeployParams) (string, error) {
			<-ctx.Done()
			return "", errors.New("cut")
		}
		began := time.Now()
		if _, err := bounded(t.Context(), j, silent); cli.ExitCode(err) != cli.ExitUnavailable || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
