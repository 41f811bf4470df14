package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func imageApp() fal.App {
	return fal.App{Name: "web", Build: fal.Image{Reference: "acme/web:1"}}
}

// deployServer is a server that deploys whatever it is sent.
func deployServer(t *testing.T) (*faltest.Server, *faltest.Uploads) {
	server := faltest.New(t)
	server.SetBuild(faltest.Build{})
	server.SetRegister(faltest.Registration{})
	return server, server.ServeUploads()
}

func phasesOf(d *fal.Deployment) (phases []fal.DeployPhase) {
	for _, p := range d.Phases {
		phases = append(phases, p.Phase)
	}
	return phases
}

func TestDeploy(t *testing.T) {
	server, uploads := deployServer(t)
	server.SetApps(faltest.App{Alias: "other"})
	server.SetBuild(faltest.Build{Logs: []faltest.DeployLog{{Source: 0, Level: 2, Message: "building"}}})
	server.SetRegister(faltest.Registration{Logs: []faltest.DeployLog{{Source: 2, Level: 6, Message: "hello"}}})
	server.SetMetadata(map[string]any{"openapi": map[string]any{
		"paths": map[string]any{"/": map[string]any{}, "/b": map[string]any{}, "/a": map[string]any{}}, "x-fal-order-paths": []any{"/b", "/nowhere"},
	}})
	app := fal.App{
		Name: "checkout", Entrypoint: "m:A", Build: fal.Virtualenv{PythonVersion: "3.12"},
		Files: fstest.MapFS{"a.txt": {Data: []byte("A"), Mode: 0o644}, "sub/b.txt": {Data: []byte("BB"), Mode: 0o755}, "sub/same.txt": {Data: []byte("A"), Mode: 0o644}},
	}
	var mu sync.Mutex
	var events []fal.DeployEvent
	ctx, client := newClient(t, server.Options())
	d, err := client.Deploy(ctx, app, &fal.DeployParams{Attach: new(false), Progress: func(e fal.DeployEvent) {
		if !mu.TryLock() {
			t.Error("two events at a time")
			return
		}
		defer mu.Unlock()
		events = append(events, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	base := server.RESTURL()
	d2 := *d
	d2.Phases = nil
	want := fal.Deployment{
		Revision: "rev-1", Name: "checkout", AuthMode: fal.AuthPrivate, Endpoints: []string{"/b", "/", "/a"},
		URLs: fal.ServiceURLs{
			Playground: base + "/playground/checkout", Run: base + "/run/checkout", Queue: base + "/queue/checkout",
			WS: "ws://" + server.Host() + "/checkout", Log: base + "/log/checkout",
		},
	}
	if diff := cmp.Diff(want, d2); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	all := []fal.DeployPhase{fal.DeployHash, fal.DeployUpload, fal.DeployBuild, fal.DeployMetadata, fal.DeployRegister}
	if !slices.Equal(phasesOf(d), all) {
		t.Errorf("phases %v", d.Phases)
	}
	var started, ended []fal.DeployPhase
	var logs []string
	for _, e := range events {
		if e.Started {
			started = append(started, e.Phase)
		}
		if e.Ended {
			ended = append(ended, e.Phase)
			if e.Files != e.TotalFiles || e.Bytes != e.TotalBytes || e.Err != nil {
				t.Errorf("%s ended so: %+v", e.Phase, e)
			}
			if e.Phase == fal.DeployHash && (e.Files != 3 || e.Bytes != 4) || e.Phase == fal.DeployUpload && (e.Files != 2 || e.Bytes != 3) {
				t.Errorf("%s: %d files, %d bytes", e.Phase, e.Files, e.Bytes)
			}
		}
		if e.Log != nil {
			logs = append(logs, fmt.Sprintf("%s %s %s %s %v", e.Phase, e.Log.Source, e.Log.Level, e.Log.Message, e.Log.Time.IsZero()))
		}
	}
	if !slices.Equal(started, all) || !slices.Equal(ended, all) {
		t.Errorf("started %v, ended %v", started, ended)
	}
	if want := []string{"build builder INFO building false", "register user STDERR hello false"}; !slices.Equal(logs, want) {
		t.Errorf("logs %q", logs)
	}
	if files := uploads.Files(); len(files) != 2 {
		t.Errorf("%d files went up", len(files))
	}
	var register struct {
		Files []struct {
			Hash string `json:"hash"`
			Path string `json:"relative_path"`
		} `json:"files"`
	}
	if err := json.Unmarshal(server.Calls("RegisterApplication")[0].Request, &register); err != nil {
		t.Fatal(err)
	}
	const hashA = "88ee864e44d78887ca0a15fa662bd35e6e32c0305129bc94830fcde5304c1c43" // of "A33188"
	if f := register.Files; len(f) != 3 || f[0].Path != "a.txt" || f[2].Path != "sub/same.txt" || f[0].Hash != hashA || f[2].Hash != hashA {
		t.Errorf("files %+v", register.Files)
	}

	// Again: the app exists, and the service has its files.
	d, err = client.Deploy(ctx, app, &fal.DeployParams{Attach: new(false)})
	if err != nil {
		t.Fatal(err)
	}
	if d.Before == nil || d.Before.Revision != "rev-1" || d.Revision != "rev-2" || !d.Detached {
		t.Errorf("again: %+v", d)
	}
	if slices.Contains(phasesOf(d), fal.DeployUpload) {
		t.Errorf("uploaded again: %v", d.Phases)
	}
}

func TestDeployFailures(t *testing.T) {
	const log = "Traceback\n  line\nValueError: bad class\n"
	raised, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		arrange  func(*faltest.Server)
		phase    fal.DeployPhase
		revision string
		want     error
		message  string
	}{
		"the list": {arrange: func(s *faltest.Server) { s.Script("ListAliases", faltest.Fail(fal.CodePermissionDenied, "no")) }, want: fal.ErrPermissionDenied},
		"a build that fails": {
			arrange: func(s *faltest.Server) { s.SetBuild(faltest.Build{Failed: true}) },
			phase:   fal.DeployBuild, want: fal.ErrDeployFailed, message: "it failed",
		},
		"a build that says why": {
			arrange: func(s *faltest.Server) {
				s.SetBuild(faltest.Build{Failed: true, Logs: []faltest.DeployLog{{Level: 4, Message: "first"}, {Level: 4, Message: "pip failed:\n  ERROR: no such package\n"}, {Level: 2, Message: "cleaning up"}}})
			},
			phase: fal.DeployBuild, want: fal.ErrDeployFailed, message: "it failed: ERROR: no such package",
		},
		"a build without an end": {
			arrange: func(s *faltest.Server) {
				s.Script("BuildEnvironment", faltest.Reply(`{"logs": [{"message": "x"}], "status": {"state": "IN_PROGRESS"}}`))
			},
			phase: fal.DeployBuild, want: fal.ErrDeployFailed, message: "without saying",
		},
		"a build that is refused": {
			arrange: func(s *faltest.Server) {
				s.Script("BuildEnvironment", faltest.Fail(fal.CodeInvalidArgument, "unknown image"))
			},
			phase: fal.DeployBuild, want: fal.ErrInvalidArgument, message: "unknown image",
		},
		"a build that is cut": {
			arrange: func(s *faltest.Server) { s.Script("BuildEnvironment", faltest.Reset()) },
			phase:   fal.DeployBuild, want: fal.ErrUnavailable,
		},
		"a class that raises": {
			arrange: func(s *faltest.Server) {
				s.Script("Run", faltest.Reply(`{"status": {"state": "SUCCESS"}, "return_value": {"definition": "gASULg==", "was_it_raised": true, "stringized_traceback": `+string(raised)+`}}`))
			},
			phase: fal.DeployMetadata, want: fal.ErrDeployFailed, message: "ValueError: bad class",
		},
		"a run that fails": {
			arrange: func(s *faltest.Server) { s.Script("Run", faltest.Reply(`{"status": {"state": "INTERNAL_FAILURE"}}`)) },
			phase:   fal.DeployMetadata, want: fal.ErrDeployFailed, message: "failed to run m:A.build_metadata",
		},
		"a run without a value": {
			arrange: func(s *faltest.Server) { s.Script("Run", faltest.Reply(`{"status": {"state": "SUCCESS"}}`)) },
			phase:   fal.DeployMetadata, want: fal.ErrDeployFailed, message: "no value",
		},
		"a pickle that calls": {
			arrange: func(s *faltest.Server) { s.SetReturnValue([]byte("cposix\nsystem\n(S'true'\ntR.")) },
			phase:   fal.DeployMetadata, want: fal.ErrDeployFailed, message: "import",
		},
		"a build whose connection is lost": {
			arrange: func(s *faltest.Server) {
				s.Script("BuildEnvironment", faltest.Reply(`{"logs": [{"message": "x"}], "status": {"state": "IN_PROGRESS"}}`).ThenLost())
			},
			phase: fal.DeployBuild, want: fal.ErrUnavailable,
		},
		"a build whose connection is lost at once": {
			arrange: func(s *faltest.Server) { s.Script("BuildEnvironment", faltest.Drop(), faltest.Drop(), faltest.Drop()) },
			phase:   fal.DeployBuild, want: fal.ErrUnavailable,
		},
		"a run without an end": {
			arrange: func(s *faltest.Server) {
				s.Script("Run", faltest.Reply(`{"run_id": "r", "status": {"state": "IN_PROGRESS"}}`))
			},
			phase: fal.DeployMetadata, want: fal.ErrDeployFailed, message: "ended the run without saying",
		},
		"a run whose connection is lost": {
			arrange: func(s *faltest.Server) {
				s.Script("Run", faltest.Reply(`{"run_id": "r", "status": {"state": "IN_PROGRESS"}}`).ThenLost())
			},
			phase: fal.DeployMetadata, want: fal.ErrUnavailable,
		},
		"a registration whose connection is lost": {
			arrange: func(s *faltest.Server) {
				s.Script("RegisterApplication", faltest.Reply(`{"logs": [{"message": "x"}]}`).ThenLost())
			},
			phase: fal.DeployRegister, want: fal.ErrUnavailable,
		},
		"no revision": {
			arrange: func(s *faltest.Server) { s.Script("RegisterApplication", faltest.Reply()) },
			phase:   fal.DeployRegister, want: fal.ErrDeployFailed, message: "registered",
		},
		"no URLs": {
			arrange: func(s *faltest.Server) {
				s.Script("RegisterApplication", faltest.Reply(`{"result": {"application_id": "r9"}}`))
			},
			phase: fal.DeployRegister, revision: "r9", want: fal.ErrDeployFailed, message: "no URLs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := deployServer(t)
			server.SetMetadata(map[string]any{})
			server.SetApps(faltest.App{Alias: "checkout", Revision: "r0"})
			c.arrange(server)
			ctx, client := newClient(t, server.Options())
			var last fal.DeployEvent
			app := fal.App{Name: "checkout", Entrypoint: "m:A", Build: fal.Virtualenv{}}
			_, err := client.Deploy(ctx, app, &fal.DeployParams{Progress: func(e fal.DeployEvent) { last = e }})
			var failed *fal.DeployError
			if !errors.As(err, &failed) || failed.Phase != c.phase || failed.Revision != c.revision {
				t.Fatalf("got %#v, want phase %q and revision %q", err, c.phase, c.revision)
			}
			if known := c.phase != ""; known != (failed.Previous == "r0") {
				t.Errorf("previous %q in phase %q", failed.Previous, c.phase)
			}
			var call *fal.Error
			if !errors.As(err, &call) || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %v, want %v, %q", err, c.want, c.message)
			}
			if c.phase != "" && (!last.Ended || last.Err == nil || last.Phase != c.phase) {
				t.Errorf("the last event is %+v", last)
			}
		})
	}
}

// A rollout that fails after its revision was told is known by its revision,
// when somebody waits for it.
func TestDeployAttached(t *testing.T) {
	registered := `{"result": {"application_id": "r1"}, "service_urls": {"run": "http://x"}}`
	server, _ := deployServer(t)
	server.Handle("RegisterApplication", func(faltest.Call) faltest.Answer {
		return faltest.Reply(registered, `{"logs": [{"message": "rolled out", "level": "INFO", "source": "BRIDGE"}]}`)
	})
	ctx, client := newClient(t, server.Options())
	var logs []string
	params := fal.DeployParams{Attach: new(true), Progress: func(e fal.DeployEvent) {
		if e.Log != nil {
			logs = append(logs, e.Log.Message)
		}
	}}
	d, err := client.Deploy(ctx, imageApp(), &params)
	if err != nil || d.Revision != "r1" || d.Detached || len(logs) != 1 {
		t.Errorf("%+v, %v, logs %q", d, err, logs)
	}
	if d, err := client.Deploy(ctx, imageApp(), nil); err != nil || d.Endpoints[0] != "/" || d.URLs.Run != "http://x" {
		t.Errorf("%+v, %v", d, err)
	}
}

// A connection that is lost behind the revision leaves open how the rollout
// went, and is not taken for its end.
func TestConnectionLostInARollout(t *testing.T) {
	server, _ := deployServer(t)
	server.SetMetadata(map[string]any{})
	server.SetApps(faltest.App{Alias: "web", Revision: "r0"})
	server.Script("RegisterApplication", faltest.Reply(
		`{"result": {"application_id": "r1"}, "service_urls": {"run": "http://x"}}`,
		`{"logs": [{"message": "`+strings.Repeat("x", 64<<10)+`"}]}`, // more than is held back before the end
	).ThenLost())
	ctx, client := newClient(t, server.Options())
	d, err := client.Deploy(ctx, imageApp(), &fal.DeployParams{Attach: new(true)})
	var failed *fal.DeployError
	if d != nil || !errors.As(err, &failed) || failed.Revision != "r1" || failed.Previous != "r0" || failed.Phase != fal.DeployRegister || !errors.Is(err, fal.ErrUnavailable) || errors.Is(err, fal.ErrDeployFailed) {
		t.Errorf("%+v, %v", d, err)
	}
	if n := len(server.Calls("RegisterApplication")); n != 1 {
		t.Errorf("registered %d times", n)
	}
}

func TestDeployIsBrokenOff(t *testing.T) {
	server, _ := deployServer(t)
	server.Script("BuildEnvironment", faltest.Hang())
	ctx, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := client.Deploy(ctx, imageApp(), &fal.DeployParams{Progress: func(e fal.DeployEvent) {
		if e.Phase == fal.DeployBuild {
			go func() {
				for len(server.Calls("BuildEnvironment")) == 0 {
					time.Sleep(time.Millisecond)
				}
				cancel()
			}()
		}
	}})
	var failed *fal.DeployError
	if !errors.As(err, &failed) || failed.Phase != fal.DeployBuild || !errors.Is(err, fal.ErrCanceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(server.Calls("RegisterApplication")); n != 0 {
		t.Error("the app was registered all the same")
	}
	cancel()
	_, err = client.Deploy(ctx, fal.App{Name: "a", Build: fal.Image{Reference: "i"}, Files: fstest.MapFS{"a": {}}}, nil)
	if !errors.As(err, &failed) || failed.Phase != "" || !errors.Is(err, fal.ErrCanceled) {
		t.Errorf("before it began: %v", err)
	}
}

// A token that the service does not accept is renewed before anything is done
// with it, and no call is made twice.
func TestDeployRenewsTheLogin(t *testing.T) {
	server, _ := deployServer(t)
	server.Script("BuildEnvironment", faltest.Fail(fal.CodeUnauthenticated, "expired"))
	source := &renewing{token: "old"}
	o := server.Options()
	o.Credentials = fal.Login(source)
	ctx, client := newClient(t, o)
	if _, err := client.Deploy(ctx, imageApp(), nil); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Calls("BuildEnvironment")); n != 2 || source.token != "new" {
		t.Errorf("%d calls, token %s", n, source.token)
	}
}

type renewing struct{ token string }

func (r *renewing) Token(context.Context) (string, error)   { return r.token, nil }
func (r *renewing) Renew(_ context.Context, _ string) error { r.token = "new"; return nil }

func TestWhatCannotBeDeployed(t *testing.T) {
	many := map[string]string{}
	for i := range 33 {
		many[fmt.Sprint("k", i)] = ""
	}
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for name, c := range map[string]struct {
		change func(*fal.App, *fal.DeployParams)
		want   string
	}{
		"no name":       {func(a *fal.App, _ *fal.DeployParams) { a.Name = "" }, "name is empty"},
		"no build":      {func(a *fal.App, _ *fal.DeployParams) { a.Build = nil }, "no environment"},
		"no command":    {func(a *fal.App, _ *fal.DeployParams) { a.Build = fal.Virtualenv{} }, "neither"},
		"no reference":  {func(a *fal.App, _ *fal.DeployParams) { a.Build = fal.Image{} }, "reference is empty"},
		"no Dockerfile": {func(a *fal.App, _ *fal.DeployParams) { a.Build = fal.Dockerfile{} }, "Dockerfile is empty"},
		"a kind":        {func(a *fal.App, _ *fal.DeployParams) { a.Build = fal.Definition{Kind: "magic"} }, "magic"},
		"a command": {func(a *fal.App, _ *fal.DeployParams) {
			a.Build = fal.Image{Reference: "i", Cmd: &fal.Command{Exec: []string{"a"}, Shell: "b"}}
		}, "cmd"},
		"both callables": {func(a *fal.App, _ *fal.DeployParams) {
			a.Entrypoint, a.Function = "m:A", &fal.SerializedObject{Method: "x"}
		}, "only one"},
		"an entry point": {func(a *fal.App, _ *fal.DeployParams) { a.Entrypoint = "module" }, "module:Symbol"},
		"layers": {func(a *fal.App, _ *fal.DeployParams) {
			a.Entrypoint, a.Build = "m:A", fal.Virtualenv{Requirements: []string{"a"}, Layers: [][]string{{"b"}}}
		}, "layers"},
		"half a second":        {func(a *fal.App, _ *fal.DeployParams) { a.KeepAlive = new(500 * time.Millisecond) }, "whole number"},
		"a port":               {func(a *fal.App, _ *fal.DeployParams) { a.ExposedPort = new(65536) }, "65536"},
		"a negative number":    {func(a *fal.App, _ *fal.DeployParams) { a.MinConcurrency = new(-1) }, "min concurrency"},
		"negative retries":     {func(a *fal.App, _ *fal.DeployParams) { a.Retries = map[fal.RetryCondition]int{fal.RetryTimeout: -1} }, "retries"},
		"a check without path": {func(a *fal.App, _ *fal.DeployParams) { a.HealthCheck = &fal.HealthCheck{} }, "path is empty"},
		"a check's method":     {func(a *fal.App, _ *fal.DeployParams) { a.HealthCheck = &fal.HealthCheck{Path: "/", Method: "PUT"} }, "PUT"},
		"options":              {func(a *fal.App, _ *fal.DeployParams) { a.SchedulerOptions = map[string]any{"a": func() {}} }, "JSON"},
		"a source":             {func(a *fal.App, _ *fal.DeployParams) { a.Sources = []fal.Source{{Requirement: "."}} }, "source distribution"},
		"another source": {func(a *fal.App, _ *fal.DeployParams) {
			a.Entrypoint, a.Build, a.Sources = "m:A", fal.Virtualenv{Requirements: []string{"."}}, []fal.Source{source("../lib", "", nil)}
		}, "no such requirement"},
		"a message":    {func(_ *fal.App, p *fal.DeployParams) { p.Message = new(strings.Repeat("é", 2049)) }, "2049 characters"},
		"annotations":  {func(_ *fal.App, p *fal.DeployParams) { p.Annotations = many }, "33 annotations"},
		"an empty key": {func(_ *fal.App, p *fal.DeployParams) { p.Annotations = map[string]string{"": "x"} }, "empty"},
		"a long key": {func(_ *fal.App, p *fal.DeployParams) {
			p.Annotations = map[string]string{strings.Repeat("é", 65): "x"}
		}, "65 characters"},
		"a taken key": {func(_ *fal.App, p *fal.DeployParams) { p.Annotations = map[string]string{"openapi": "x"} }, "openapi"},
		"a long annotation": {func(_ *fal.App, p *fal.DeployParams) {
			p.Annotations = map[string]string{"k": strings.Repeat("x", 16384-9+1)}
		}, "16385 bytes"},
		"detached recreate": {func(_ *fal.App, p *fal.DeployParams) {
			p.Attach, p.Strategy = new(bool), new(fal.StrategyRecreate)
		}, "rolling"},
	} {
		app, params := imageApp(), fal.DeployParams{}
		c.change(&app, &params)
		for what, deploy := range map[string]func() error{
			"deployed": func() error { _, err := client.Deploy(ctx, app, &params); return err },
			"planned":  func() error { _, err := client.PlanDeploy(ctx, app, &params); return err },
		} {
			var failed *fal.DeployError
			if err := deploy(); !errors.Is(err, fal.ErrInvalidArgument) || !errors.As(err, &failed) || failed.Phase != "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s: %v, want %q", what, name, err, c.want)
			}
		}
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestDeployLimitsAreInclusive(t *testing.T) {
	server, _ := deployServer(t)
	ctx, client := newClient(t, server.Options())
	full := map[string]string{strings.Repeat("é", 64): ""}
	for i := range 31 {
		full[fmt.Sprint("k", i)] = ""
	}
	for _, params := range []fal.DeployParams{
		{Message: new(strings.Repeat("é", 2048)), Annotations: full},
		{Annotations: map[string]string{"k": strings.Repeat("x", 16384-9)}},
	} {
		if _, err := client.Deploy(ctx, imageApp(), &params); err != nil {
			t.Error(err)
		}
	}
}

const (
	password    = "hunter2-of-the-registry"
	buildSecret = "s3cr3t-of-the-build"
)

func secretApp() fal.App {
	return fal.App{Name: "web", Build: fal.Dockerfile{
		Text: "FROM x", Secrets: map[string]string{"S": buildSecret}, Registries: map[string]fal.Registry{"r": {Username: "bob", Password: password}},
	}}
}

func TestSecretsOfABuildAreNotShown(t *testing.T) {
	server, _ := deployServer(t)
	leak := "cannot log in with " + password + " and \"" + buildSecret + "\""
	server.Script("BuildEnvironment", faltest.Fail(fal.CodeInvalidArgument, leak))
	o := server.Options()
	var mu sync.Mutex
	var said []string
	o.Trace = func(e fal.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf("%+v", e))
	}
	ctx, client := newClient(t, o)
	app := secretApp()
	_, err := client.Deploy(ctx, app, nil)
	if err == nil || !strings.Contains(err.Error(), "cannot log in") {
		t.Fatal(err)
	}
	for err := err; err != nil; err = errors.Unwrap(err) {
		said = append(said, fmt.Sprintf("%+v %#v", err, err))
	}
	server.SetBuild(faltest.Build{Failed: true, Logs: []faltest.DeployLog{{Level: 4, Message: strings.Repeat("x", 990) + leak}}})
	_, err = client.Deploy(ctx, app, nil)
	if err == nil || !strings.Contains(err.Error(), "it failed: xxx") || !strings.HasSuffix(err.Error(), "...") {
		t.Fatal(err)
	}
	said = append(said, err.Error())
	plan, err := client.PlanDeploy(ctx, app, nil)
	if err != nil {
		t.Fatal(err)
	}
	definition := fal.Definition{Kind: "container", Configuration: map[string]any{"image": map[string]any{
		"secrets": map[string]any{"S": buildSecret}, "registries": map[string]any{"r": map[string]any{"password": password}},
	}}}
	encoded, err := json.Marshal(app.Build)
	if err != nil {
		t.Fatal(err)
	}
	said = append(said, string(plan.Build), string(plan.Register), string(encoded), fmt.Sprintf("%v %+v %#v", app, app, app),
		fmt.Sprintf("%v %+v %#v %s", definition, definition, definition, definition))
	mu.Lock()
	defer mu.Unlock()
	for _, text := range said {
		for _, secret := range []string{password, buildSecret} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is shown in %s", secret, text)
			}
		}
	}
	if !strings.Contains(string(plan.Build), `"password":"[redacted]"`) || !strings.Contains(string(plan.Build), `"S":"[redacted]"`) {
		t.Errorf("the plan does not name them: %s", plan.Build)
	}
	if sent := string(server.Calls("BuildEnvironment")[0].Request); !strings.Contains(sent, password) || !strings.Contains(sent, buildSecret) {
		t.Errorf("they were not sent: %s", sent)
	}
	// They are not those of an app that was changed meanwhile.
	if definition.Configuration["image"].(map[string]any)["secrets"].(map[string]any)["S"] != buildSecret {
		t.Error("printing changed the definition")
	}
}

func TestPlanDeploy(t *testing.T) {
	server, uploads := deployServer(t)
	server.SetApps(faltest.App{Alias: "web--staging", Environment: "staging", Revision: "old", AuthMode: 2, ActiveRunners: 3, Settings: faltest.Settings{
		KeepAlive: 7, MaxConcurrency: 9, MaxMultiplexing: 4, MachineTypes: []string{"L"}, Regions: []string{"us-east"}, StartupTimeout: new(int32(5)), RequestTimeout: new(int32(50)),
	}})
	app := fal.App{
		Name: "web", Build: fal.Virtualenv{Requirements: []string{"numpy", " . "}, PythonVersion: "3.12"}, Function: &fal.SerializedObject{Method: "cloudpickle", Definition: []byte("abc")},
		Files: fstest.MapFS{
			"a": {Data: []byte("aaa"), Mode: 0o644}, "b": {Data: []byte("bb"), Mode: 0o644}, "c": {Data: []byte("bb"), Mode: 0o644},
		},
		Sources:   []fal.Source{source(".", "", []byte("tar"))},
		KeepAlive: seconds(120), MaxMultiplexing: new(2),
	}
	o := server.Options()
	o.Environment = "staging"
	ctx, client := newClient(t, o)
	plan, err := client.PlanDeploy(ctx, app, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Before == nil || plan.Before.Revision != "old" {
		t.Fatalf("before: %+v", plan.Before)
	}
	want := fal.AppInfo{Alias: "web--staging", AuthMode: fal.AuthShared, ActiveRunners: 3, Environment: "staging", AppSettings: fal.AppSettings{
		KeepAlive: 7 * time.Second, MaxConcurrency: 9, MaxMultiplexing: 2, MachineTypes: []string{"XS"}, Regions: []string{"us-east"},
		RequestTimeout: 50 * time.Second, StartupTimeout: 10 * time.Minute,
	}}
	if diff := cmp.Diff(want, plan.After); diff != "" {
		t.Errorf("after, want -, got +:\n%s", diff)
	}
	wantFiles := []fal.PlannedFile{
		{Path: "a", Hash: hashOf([]byte("aaa"), "33188"), Size: 3, Missing: true},
		{Path: "b", Hash: hashOf([]byte("bb"), "33188"), Size: 2, Missing: true},
		{Path: "c", Hash: hashOf([]byte("bb"), "33188"), Size: 2}, // goes up as b
		{Path: "lib-1.0.tar.gz", Hash: hashOf([]byte("tar"), ""), Size: 3, Missing: true, Source: true},
	}
	if diff := cmp.Diff(wantFiles, plan.Files); diff != "" || plan.Bytes != 3+2+3 {
		t.Errorf("%d bytes; files, want -, got +:\n%s", plan.Bytes, diff)
	}
	if len(plan.Phases) != 1 || plan.Phases[0].Phase != fal.DeployHash {
		t.Errorf("phases %v", plan.Phases)
	}
	for _, text := range []string{`"definition":"\u003c3 bytes\u003e"`, `"lib @ lib-1.0.tar.gz"`, `"application_name":"web--staging"`, `"relative_path":"a"`} {
		if !strings.Contains(string(plan.Register), text) {
			t.Errorf("no %s in %s", text, plan.Register)
		}
	}
	uploads.Add(plan.Files[0].Hash, []byte("aaa"))
	plan, err = client.PlanDeploy(ctx, app, &fal.DeployParams{ResetScale: true})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Files[0].Missing || plan.Bytes != 2+3 || plan.After.KeepAlive != 2*time.Minute || plan.After.MaxConcurrency != 2 || plan.After.Regions != nil || plan.After.RequestTimeout != time.Hour {
		t.Errorf("with its own scale: %+v", plan)
	}
	for _, call := range server.Calls() {
		if call.Method != "ListAliases" && call.Method != "POST /files/missing_hashes" {
			t.Errorf("a plan called %s", call.Method)
		}
	}
}

func TestFilesThatCannotBeDeployed(t *testing.T) {
	server, _ := deployServer(t)
	ctx, client := newClient(t, server.Options())
	dir := t.TempDir()
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(fal.LargestFile+1), large.Close()); err != nil {
		t.Fatal(err)
	}
	app := imageApp()
	app.Files = os.DirFS(dir)
	_, err = client.Deploy(ctx, app, nil)
	var failed *fal.DeployError
	if !errors.As(err, &failed) || failed.Phase != fal.DeployHash || !strings.Contains(err.Error(), "large has 1073741825 bytes") {
		t.Errorf("too large: %v", err)
	}
	app.Files = os.DirFS(filepath.Join(dir, "nowhere"))
	if _, err := client.Deploy(ctx, app, nil); !errors.As(err, &failed) || failed.Phase != fal.DeployHash || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if n := len(server.Calls("POST /files/missing_hashes", "BuildEnvironment")); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRequiresDeployCheck(t *testing.T) {
	for body, want := range map[string]bool{
		`{}`:                     false,
		`{"deploy_check": true}`: true,
		`{"deploy_check": false, "deployment_confirmation": "off"}`:      false,
		`{"require_deploy_check": 1}`:                                    true,
		`{"serverless_deploy_check": 0}`:                                 false,
		`{"settings": {"require_deployment_confirmation": " Yes "}}`:     true,
		`{"team_config": {"deploy_check": null}}`:                        false,
		`{"org_config": [true], "admin_config": {"deploy_check": "NO"}}`: false,
	} {
		server := faltest.New(t)
		server.HandleREST("GET /users/current", answer(200, body))
		ctx, client := newClient(t, server.Options())
		if got, err := client.Accounts.RequiresDeployCheck(ctx); err != nil || got != want {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	if _, err := client.Accounts.RequiresDeployCheck(ctx); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("no account: %v", err)
	}
}

// Behind a failed rollout it is known what the app pointed to before.
func TestFailedRegistrationTellsPrevious(t *testing.T) {
	server, _ := deployServer(t)
	server.SetApps(faltest.App{Alias: "checkout", Revision: "r1"})
	server.Script("RegisterApplication", faltest.Fail(fal.CodeAborted, "crashed"))
	ctx, client := newClient(t, server.Options())
	_, err := client.Deploy(ctx, fal.App{Name: "checkout", Build: fal.Virtualenv{}, Function: &fal.SerializedObject{Method: "m"}}, nil)
	var failed *fal.DeployError
	if !errors.As(err, &failed) || failed.Phase != fal.DeployRegister || failed.Previous != "r1" {
		t.Errorf("%#v", err)
	}
}

// A plan shows no secret that the code or a URL has in it.
func TestPlanHidesSecrets(t *testing.T) {
	server, _ := deployServer(t)
	ctx, client := newClient(t, server.Options())
	code := "image = Image(secrets={'S': '" + buildSecret + "', 'T': 'xyz'})\nurl = 'https://user:hunter3@host.example/x'\n"
	app := fal.App{Name: "web", SourceCode: &code, Function: &fal.SerializedObject{Method: "cloudpickle", Definition: []byte("p")}, Build: fal.Definition{Kind: "container", Configuration: map[string]any{
		"image":        map[string]any{"dockerfile_str": "FROM xyz:1", "secrets": map[string]any{"S": buildSecret}, "registries": map[string]any{"r": map[string]any{"username": "bob", "password": password}}},
		"requirements": []any{"lib @ git+https://t0ken@host.example/lib.git", "https://user:hunter3@host.example/y.whl", "lib @ git+ssh://git@host.example/lib.git", "echo " + password},
	}}}
	plan, err := client.PlanDeploy(ctx, app, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := string(plan.Build) + string(plan.Register)
	for _, secret := range []string{buildSecret, password, "t0ken", "hunter3"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is shown in %s", secret, text)
		}
	}
	for _, want := range []string{"git+https://[redacted]@host.example/lib.git", "git+ssh://git@host.example", "FROM xyz:1", "echo [redacted]", "image = Image(secrets={"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
