package controlplane

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// deployed describes an app whose image's command is this program in the given
// modes, started by way of a shell line if prefix is not empty.
func deployed(t testing.TB, name, prefix string, modes ...string) AppSpec {
	image := map[string]any{"image": "registry.example.test/app:1", "use_isolate": false}
	if prefix == "" {
		words := []any{executable(t), "__app"}
		for _, mode := range modes {
			words = append(words, mode)
		}
		image["entrypoint"] = words
	} else {
		image["cmd"] = fmt.Sprintf("%s exec '%s' __app %s", prefix, executable(t), strings.Join(modes, " "))
	}
	return AppSpec{
		Name:        name,
		Launch:      state.Launch{Kind: "container", Configuration: map[string]any{"image": image}},
		GracePeriod: new(5 * time.Second),
		KeepAlive:   new(time.Hour),
	}
}

func upload(t testing.TB, s *Server, path, text string, mode fs.FileMode) state.File {
	t.Helper()
	hash, err := s.files.Put([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return state.File{Path: path, Hash: hash, Mode: mode}
}

func TestDeployedAppRuns(t *testing.T) {
	s := start(t, Options{})
	spec := deployed(t, "web", "")
	spec.MinConcurrency = 1
	spec.Launch.Files = []state.File{upload(t, s, "data/greeting.txt", "hi", 0o600)}
	spec.Launch.DataMounts = []string{"/data/models"}
	spec.Serving.ExposedPort = new(1)
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	if text := get(t, s, "web", "/env"); !strings.Contains(text, fmt.Sprintf("PORT=%d\n", r.Port)) || !strings.Contains(text, "FAL_APP_NAME=web\n") {
		t.Errorf("environment of the process:\n%s", text)
	}
	for _, want := range []string{
		"bridge WARNING the environment is not there any more, and is built again\n",
		"bridge WARNING the image registry.example.test/app:1 is not pulled",
		"bridge WARNING data mounts are not made here: /data/models\n",
		"stdout STDOUT serving\n",
	} {
		if text := logText(t, s, r.ID); !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
	root := s.path("runners") + "/" + r.ID
	if text, err := os.ReadFile(root + "/data/greeting.txt"); string(text) != "hi" || err != nil {
		t.Errorf("the uploaded file: %q, %v", text, err)
	}
	if s.state.Single(r.Revision) {
		t.Error("an app that takes PORT is said to bind a port of its own")
	}
	stopRunner(t, dial(t, s, s.Credentials()), r.ID, false)
	awaitState(t, s, r.ID, state.Terminated)
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("the folder of the runner is still there: %v", err)
	}
	again := awaitUp(t, s, "web", 1)[0]
	if text := logText(t, s, again.ID); strings.Contains(text, "built again") {
		t.Errorf("the environment was built twice:\n%s", text)
	}
}

func TestDeployedAppThatCannotBeBuilt(t *testing.T) {
	s := start(t, Options{})
	spec := deployed(t, "web", "")
	spec.MinConcurrency = 1
	spec.Launch.Configuration = map[string]any{"image": map[string]any{"image": "nginx", "use_isolate": false}}
	register(t, s, spec)
	r := awaitFailure(t, s, "web")
	const want = "no command is given for the image nginx"
	if !strings.Contains(r.Reason, want) || !strings.Contains(logText(t, s, r.ID), "bridge ERROR "+want) {
		t.Errorf("reason %q, log:\n%s", r.Reason, logText(t, s, r.ID))
	}
}

func TestDeployedAppThatCrashesAtItsStart(t *testing.T) {
	s := start(t, Options{})
	spec := deployed(t, "web", "", "fail")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitFailure(t, s, "web")
	if !strings.Contains(r.Reason, "process exited with code 3 before it was ready") || !strings.Contains(logText(t, s, r.ID), "failing as told") {
		t.Errorf("reason %q, log:\n%s", r.Reason, logText(t, s, r.ID))
	}
}

// awaitFailure returns a runner that waits after a failure to start.
func awaitFailure(t *testing.T, s *Server, alias string) *Runner {
	t.Helper()
	var failed *Runner
	await(t, "a failure to start", func() bool {
		for _, r := range live(t, s, alias) {
			if r.State == state.FailureDelay {
				failed = r
			}
		}
		return failed != nil
	})
	return failed
}

// unusedPort returns a port that nothing listens on.
func unusedPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestAppThatBindsAPortOfItsOwn(t *testing.T) {
	s := start(t, Options{})
	port := unusedPort(t)
	spec := deployed(t, "web", fmt.Sprintf("PORT=%d", port))
	spec.MinConcurrency = 1
	spec.Serving.ExposedPort = &port
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	if r.Port != port || !s.state.Single(r.Revision) {
		t.Errorf("port %d of a runner that binds %d, known as fixed: %t", r.Port, port, s.state.Single(r.Revision))
	}
	if text := get(t, s, "web", "/env"); !strings.Contains(text, fmt.Sprintf("PORT=%d\n", port)) {
		t.Errorf("answer %q", text)
	}
	if text := logText(t, s, r.ID); !strings.Contains(text, fmt.Sprintf("listens on port %d", port)) {
		t.Errorf("log:\n%s", text)
	}
	// The next revision binds it too, once the first has left.
	register(t, s, spec)
	var next *Runner
	await(t, "a runner of the next revision", func() bool {
		for _, other := range live(t, s, "web") {
			if other.ID != r.ID && other.State == state.Idle {
				next = other
			}
		}
		return next != nil
	})
	if next.Port != port || runner(t, s, r.ID).State != state.Terminated {
		t.Errorf("runner %+v after %+v", next, runner(t, s, r.ID))
	}
	// Another app of that port has to wait, and says for what.
	spec = deployed(t, "other", fmt.Sprintf("PORT=%d", port))
	spec.MinConcurrency = 1
	spec.Serving.ExposedPort = &port
	register(t, s, spec)
	if failed := awaitFailure(t, s, "other"); !strings.Contains(failed.Reason, fmt.Sprintf("port %d, which it may bind instead of $PORT, was in use", port)) {
		t.Errorf("reason %q", failed.Reason)
	}
}

// TestRolloutWhereOneRunnerCanBeUp keeps two runners of an app of which only one
// can be up: none fails for that, and the rollout comes to its end.
func TestRolloutWhereOneRunnerCanBeUp(t *testing.T) {
	s := start(t, Options{})
	port := unusedPort(t)
	image := environment(t, map[string]any{"image": map[string]any{
		"image": "registry.example.test/web:1", "use_isolate": false,
		"cmd": fmt.Sprintf("PORT=%d exec '%s' __app", port, executable(t)),
	}})
	c := dial(t, s, s.Credentials())
	for revision := range 3 {
		_, logs, err := c.register(&pb.RegisterApplicationRequest{
			ApplicationName: new("web"), Environments: []*pb.EnvironmentDefinition{image}, AttachToDeployment: new(true),
			MachineRequirements: &pb.MachineRequirements{MinConcurrency: new(int32(2)), MaxConcurrency: new(int32(3)), ExposedPort: new(int32(port))},
		})
		if err != nil || !said(logs, "1 runners of the revision are up") && !said(logs, "1 of 2 runners of the revision are up") {
			t.Fatalf("revision %d: %v, %v", revision, logs, err)
		}
		if r := awaitUp(t, s, "web", 1)[0]; r.Port != port {
			t.Errorf("it listens on %d", r.Port)
		}
		if info := c.alias(t, "web"); info.GetIsRolling() {
			t.Errorf("it rolls out: %v", info)
		}
	}
	runners, err := s.state.Runners(t.Context(), caller(t, s), state.Query{Pending: true, EndedSince: earliest()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runners {
		if history := states(t, s, r.ID); slices.Contains(history, "FAILURE_DELAY") {
			t.Errorf("a runner failed: %v, %s", history, logText(t, s, r.ID))
		}
	}
}

func TestFixedPorts(t *testing.T) {
	var p fixedPorts
	port := unusedPort(t)
	if p.claim(0, "r1", "app", "rev1") != refused {
		t.Error("no port was claimed")
	}
	if p.claim(port, "r1", "app", "rev1") != granted {
		t.Fatal("a free port was not given")
	}
	if p.claim(port, "r2", "app", "rev2") != pending || p.claim(port, "r2", "app", "rev1") != pending || p.claim(port, "r2", "other", "rev3") != refused {
		t.Error("a port was given twice, or not waited for where the first runner of an app starts")
	}
	p.take(port, "r9", "other")
	if p.claim(port, "r1", "app", "rev1") != refused {
		t.Error("a port was given that another was seen to listen on")
	}
	p.release("r9")
	if p.claim(port, "r1", "app", "rev1") != granted {
		t.Fatal("a free port was not given")
	}
	p.bind(port)
	p.take(port, "r9", "other")
	if p.claim(port, "r3", "other", "rev3") != refused || p.claim(port, "r2", "app", "rev2") != promised {
		t.Error("a port was given twice")
	}
	p.release("r1")
	if p.claim(port, "r3", "other", "rev3") != granted {
		t.Error("a port that was given up was not given")
	}
	p.decline("r3", "rev3")
	if p.claim(port, "r5", "other", "rev3") != granted || p.claim(port, "r6", "other", "rev3") != refused {
		t.Error("a port is waited for that runners of the revision do not bind")
	}
	p.release("r5")
	if !p.scout("s1", "rev7") || p.scout("s2", "rev7") || !p.scout("s1", "rev7") || !p.scout("s3", "rev8") || !p.scout("s4", "rev3") {
		t.Error("not just the first runner of a revision of which nothing is known starts")
	}
	p.release("s1")
	if !p.scout("s2", "rev7") || p.scout("s1", "rev7") {
		t.Error("the next one is not the first when that has ended")
	}
	p.letGo("rev7")
	p.letGo("rev9")
	if !p.scout("s1", "rev7") || !p.scout("s5", "rev9") || p.scout("s6", "rev9") {
		t.Error("one that waits for nothing does not start")
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if p.claim(port, "r4", "app", "rev1") != refused {
		t.Error("a port that something else listens on was given")
	}
}

func healthy(spec AppSpec, path string) AppSpec {
	check := state.HealthDefaults(path)
	check.StartPeriod, check.Timeout, check.FailureThreshold = 0, 10*time.Second, 2
	spec.MinConcurrency, spec.StartupTimeout = 1, time.Millisecond
	spec.Serving.HealthCheck = &check
	return spec
}

func TestUnhealthyRunnerIsReplaced(t *testing.T) {
	s := start(t, Options{})
	s.fleet.healthEvery = 10 * time.Millisecond
	spec := healthy(deployed(t, "web", ""), "/well")
	spec.StartupTimeout = time.Second
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	get(t, s, "web", "/sicken")
	ended := awaitState(t, s, r.ID, state.Terminated)
	history, err := s.History(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	reasons := fmt.Sprint(history)
	if !strings.Contains(reasons, "unhealthy: GET /well was answered with 500 Internal Server Error") {
		t.Errorf("history %s, reason %q", reasons, ended.Reason)
	}
	if text := logText(t, s, r.ID); !strings.Contains(text, "bridge WARNING health check failed (1 of 2): GET /well was answered with 500") ||
		!strings.Contains(text, "bridge ERROR health check failed (") {
		t.Errorf("log:\n%s", text)
	}
	if after := awaitUp(t, s, "web", 1)[0]; after.ID == r.ID {
		t.Error("the unhealthy runner is still up")
	}
}

func TestHealthCheckOnRequestAlone(t *testing.T) {
	s := start(t, Options{})
	s.fleet.healthEvery = time.Millisecond
	spec := healthy(deployed(t, "web", ""), "/well")
	spec.StartupTimeout = time.Hour
	spec.Serving.HealthCheck.CallRegularly = false
	spec.Serving.HealthCheck.Method = "POST"
	spec.MaxMultiplexing = 2
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	s.fleet.checkHealth("no such runner")
	// A runner that is busy is asked when it is idle again.
	finish := hold(t, s, "web", "request-1")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.deploys.URLs(caller(t, s).Account.Nickname, "web").Run+"/sicken", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+s.credentials.Key())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := runner(t, s, r.ID).State; got != state.Running {
		t.Errorf("a busy runner whose health is doubted is %s", got)
	}
	finish()
	awaitState(t, s, r.ID, state.Terminated)
	if text := logText(t, s, r.ID); !strings.Contains(text, "bridge ERROR health check failed: POST /well was answered with 500") {
		t.Errorf("log:\n%s", text)
	}
}

func TestHealthCheckDecidesReadiness(t *testing.T) {
	s := start(t, Options{})
	spec := healthy(deployed(t, "web", "", "unready"), "/ready")
	spec.StartupTimeout = 100 * time.Millisecond
	register(t, s, spec)
	if r := awaitFailure(t, s, "web"); !strings.HasPrefix(r.Reason, "not ready within 100ms: GET /ready") {
		t.Errorf("reason %q", r.Reason)
	}
}

// TestNotReadySoFar is said once for each reason, long before the time is up.
func TestNotReadySoFar(t *testing.T) {
	s := start(t, Options{})
	spec := healthy(deployed(t, "web", "", "unready"), "/ready")
	spec.StartupTimeout = 2 * time.Second
	register(t, s, spec)
	r := awaitFailure(t, s, "web")
	if text := logText(t, s, r.ID); strings.Count(text, "bridge WARNING not ready so far, which may take 2s: GET /ready was answered with 503") != 1 || strings.Count(text, "so far") != 1 {
		t.Errorf("log:\n%s", text)
	}
}

// TestReadinessAsTheHealthCheckSays has health checks that an app which is up
// answers with failure.
func TestReadinessAsTheHealthCheckSays(t *testing.T) {
	s := start(t, Options{})
	spec := healthy(deployed(t, "silent", "", "unready"), "/ready")
	spec.StartupTimeout = time.Minute
	spec.HealthPath, spec.Serving.HealthCheck.CallRegularly = "/ready", false
	register(t, s, spec)
	awaitUp(t, s, "silent", 1) // nobody asks

	spec = healthy(deployed(t, "elsewhere", ""), "/away")
	spec.HealthPath, spec.StartupTimeout = "/away", 100*time.Millisecond
	register(t, s, spec)
	if r := awaitFailure(t, s, "elsewhere"); !strings.Contains(r.Reason, "GET /away was answered with 302 Found") {
		t.Errorf("reason %q", r.Reason)
	}
}

// TestHealthCheckTimeoutAtTheStart has an app that never answers, whose health
// check says how long to wait for that.
func TestHealthCheckTimeoutAtTheStart(t *testing.T) {
	s := start(t, Options{})
	spec := healthy(deployed(t, "web", ""), "/hold")
	spec.HealthPath, spec.StartupTimeout = "/hold", time.Millisecond
	k := &keeper{fleet: s.fleet, app: &App{}}
	k.app.Rev.HealthPath, k.app.Rev.Serving.HealthCheck = "/hold", spec.Serving.HealthCheck
	k.app.Rev.Serving.HealthCheck.Timeout = 20 * time.Millisecond
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := newProber()
	defer p.close()
	err = k.probe(t.Context(), p, silent.Addr().(*net.TCPAddr).Port)
	if err == nil || err.Error() != "GET /hold was not answered within 20ms" {
		t.Errorf("%v", err)
	}
}

// TestFailuresOfTheStartPeriodAreForgotten has an app whose health check fails in
// the start period, and then once.
func TestFailuresOfTheStartPeriodAreForgotten(t *testing.T) {
	k := &keeper{app: &App{}}
	check := state.HealthDefaults("/")
	k.app.StartupTimeout = time.Second
	check.StartPeriod = time.Minute
	for age, want := range map[time.Duration]bool{0: true, 59 * time.Second: true, time.Minute: false} {
		if got := k.isEarly(&check, age); got != want {
			t.Errorf("whether %s is early: %t", age, got)
		}
	}
	check.CallRegularly = false
	if k.isEarly(&check, 0) {
		t.Error("a check that a request asked for does not count")
	}
	s := start(t, Options{})
	s.fleet.healthEvery = 10 * time.Millisecond
	spec := healthy(deployed(t, "web", ""), "/well")
	spec.Serving.HealthCheck.StartPeriod, spec.StartupTimeout = 5*time.Second, 5*time.Second
	spec.Serving.HealthCheck.FailureThreshold = 3
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	get(t, s, "web", "/sicken")
	awaitState(t, s, r.ID, state.Terminated)
	if text := logText(t, s, r.ID); !strings.Contains(text, "that does not count before it has run for 5s") ||
		!strings.Contains(text, "WARNING health check failed (1 of 3)") || !strings.Contains(text, "ERROR health check failed (3 of 3)") {
		t.Errorf("log:\n%s", text)
	}
	await(t, "the illness counts as a crash", func() bool {
		s.fleet.mu.Lock()
		defer s.fleet.mu.Unlock()
		return s.fleet.crashes[r.Revision].count == 1
	})
}
