package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

const (
	revNew = "66666666-0000-4000-8000-000000000001"
	revOld = "55555555-0000-4000-8000-000000000002"
)

const pyproject = `
[tool.fal.apps.checkout]
auth = "public"
machine_type = "GPU-H100"
keep_alive = 120
image = { image = "docker.io/library/nginx:latest" }

[tool.fal.apps.search]
image = { dockerfile = "Dockerfile" }

[tool.fal.apps.once]
deployment_strategy = "recreate"
app_scale_settings = true
image = { image = "docker.io/library/nginx:latest" }

[tool.fal.apps.teamed]
team = "acme"
image = { image = "docker.io/library/nginx:latest" }
`

const dockerfile = `FROM scratch
COPY data/ /data
CMD ["/bin/serve"]
`

// service stands for the SDK's deployments: what it is told to say and to give
// back, and what it was given.
type service struct {
	mu     sync.Mutex
	apps   []fal.App
	params []fal.DeployParams
	plans  int

	events []fal.DeployEvent
	before *fal.AppInfo
	fails  map[string]error // by the app's name
	during func(ctx context.Context) error
}

func (s *service) Deploy(ctx context.Context, app fal.App, p *fal.DeployParams) (*fal.Deployment, error) {
	s.mu.Lock()
	s.apps, s.params = append(s.apps, app), append(s.params, *p)
	s.mu.Unlock()
	for _, e := range s.events {
		p.Progress(e)
	}
	if s.during != nil {
		if err := s.during(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.fails[app.Name]; err != nil {
		return nil, err
	}
	mode := fal.AuthPrivate
	if s.before != nil {
		mode = s.before.AuthMode
	}
	if app.AuthMode != nil {
		mode = *app.AuthMode
	}
	return &fal.Deployment{
		Revision: revNew, Name: app.Name, Before: s.before, AuthMode: mode, Endpoints: []string{"/", "/second"},
		Detached: p.Attach != nil && !*p.Attach && s.before != nil,
		URLs: fal.ServiceURLs{Playground: "https://fal.ai/models/me/" + app.Name, Run: "https://fal.run/me/" + app.Name,
			Queue: "https://queue.fal.run/me/" + app.Name, WS: "wss://ws.fal.run/me/" + app.Name, Log: "https://fal.ai/logs"},
		Phases: []fal.PhaseDuration{{Phase: fal.DeployBuild, Duration: 1500 * time.Millisecond}, {Phase: fal.DeployRegister, Duration: 250400 * time.Microsecond}},
	}, nil
}

func (s *service) PlanDeploy(_ context.Context, app fal.App, p *fal.DeployParams) (*fal.DeployPlan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans++
	if err := s.fails[app.Name]; err != nil {
		return nil, err
	}
	after := fal.AppInfo{Alias: app.Name, AuthMode: fal.AuthPublic, AppSettings: fal.AppSettings{
		KeepAlive: 120 * time.Second, MaxConcurrency: 2, MaxMultiplexing: 1, RequestTimeout: time.Hour, StartupTimeout: 10 * time.Minute, MachineTypes: []string{"GPU-H100"}}}
	if s.before != nil && !p.ResetScale {
		after.KeepAlive = s.before.KeepAlive
	}
	return &fal.DeployPlan{
		Build: []byte(`{"environments":[{"kind":"container"}]}`), Register: []byte(`{"application_name":"` + app.Name + `"}`),
		Before: s.before, After: after, Bytes: 2048,
		Files: []fal.PlannedFile{{Path: "data/a", Hash: "aa", Size: 2048, Missing: true}, {Path: "data/b\x1b", Hash: "bb", Size: 10}},
	}, nil
}

func sampleBefore() *fal.AppInfo {
	return &fal.AppInfo{Alias: "checkout", Revision: revOld, AuthMode: fal.AuthPrivate, AppSettings: fal.AppSettings{
		KeepAlive: 10 * time.Second, MaxConcurrency: 2, MaxMultiplexing: 1, RequestTimeout: time.Hour, StartupTimeout: 10 * time.Minute, MachineTypes: []string{"XS"}}}
}

// phases are the events of a deployment with a log.
func phases() []fal.DeployEvent {
	return []fal.DeployEvent{
		{Phase: fal.DeployHash, Started: true},
		{Phase: fal.DeployHash, Ended: true, Files: 3, TotalFiles: 3, Bytes: 3 << 20, TotalBytes: 3 << 20},
		{Phase: fal.DeployUpload, Started: true, TotalFiles: 1, TotalBytes: 1 << 20},
		{Phase: fal.DeployUpload, Ended: true, Files: 1, TotalFiles: 1, Bytes: 1 << 20, TotalBytes: 1 << 20},
		{Phase: fal.DeployBuild, Started: true},
		{Phase: fal.DeployBuild, Log: &fal.DeployLog{Source: "builder", Level: "INFO", Message: "step \x1b[31m1\x1b[0m [rank0]: :fire:"}},
		{Phase: fal.DeployBuild, Log: &fal.DeployLog{Source: "builder", Level: "DEBUG", Message: "a detail"}},
		{Phase: fal.DeployBuild, Log: &fal.DeployLog{Source: "builder", Level: "WARNING", Message: "old base\x07"}},
		{Phase: fal.DeployBuild, Ended: true},
	}
}

// console is a command at a terminal, or in pipes.
type console struct {
	t       *testing.T
	server  *faltest.Server
	service *service // nil: the SDK against the server
	dir     string
	env     map[string]string
	stdin   string
	tty     bool
	look    time.Duration // lookBehind
}

type result struct {
	code     int
	out, err string
}

func newTerm(t *testing.T) *console {
	server := faltest.New(t)
	tm := &console{t: t, server: server, look: time.Minute, service: &service{fails: map[string]error{}}, dir: t.TempDir(), env: map[string]string{
		"FAL_KEY": "testid:testsecret", "FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(), "FAL_CONFIG_PATH": t.TempDir() + "/config.toml",
	}}
	tm.write("pyproject.toml", pyproject)
	tm.write("Dockerfile", dockerfile)
	tm.write("data/a", "a")
	tm.write("data/b", "b")
	return tm
}

func (tm *console) write(name, text string) {
	tm.t.Helper()
	path := filepath.Join(tm.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tm.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tm.t.Fatal(err)
	}
}

func (tm *console) run(argv ...string) result {
	tm.t.Helper()
	return tm.runContext(tm.t.Context(), argv...)
}

func (tm *console) runContext(ctx context.Context, argv ...string) result {
	tm.t.Helper()
	streams, in, out, errout := iostreams.Test()
	in.WriteString(tm.stdin)
	getenv := func(name string) string { return tm.env[name] }
	streams.SetEnv(getenv)
	streams.SetTerminal(tm.tty, tm.tty, tm.tty)
	streams.SetColor(iostreams.ColorNever)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := dependencies{
		connect: session.OpenFor, dir: func() (string, error) { return tm.dir, nil }, now: func() time.Time { return at },
		client: func(s *session.Session) deployer {
			if tm.service != nil {
				return tm.service
			}
			return s.Client
		},
		size: func() (int, int) { return 100, 30 }, lookBehind: tm.look,
	}
	code := cli.Run(ctx, app(d), cli.Process{Args: argv, Streams: streams, Getenv: getenv, Typed: "fal deploy"})
	return result{code, out.String(), errout.String()}
}

// want is exactly out on stdout, and errout somewhere on stderr.
func (tm *console) want(r result, code int, out, errout string) {
	tm.t.Helper()
	if r.code != code {
		tm.t.Errorf("exit %d, want %d\nstdout %s\nstderr %s", r.code, code, r.out, r.err)
	}
	if r.out != out {
		tm.t.Errorf("stdout\n%swant\n%s", r.out, out)
	}
	if errout == "" && r.err != "" || !strings.Contains(r.err, errout) {
		tm.t.Errorf("stderr %q, want %q", r.err, errout)
	}
}

// object decodes the one JSON document of a result.
func (tm *console) object(r result) map[string]any {
	tm.t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || bytes.Count([]byte(r.out), []byte("\n")) != 1 {
		tm.t.Fatalf("%v: %+v", err, r)
	}
	return got
}
