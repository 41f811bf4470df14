package controlplane

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// hold has a runner of the app answer a request that is in flight until the
// returned function is called.
func hold(t *testing.T, s *Server, alias, requestID string) (finish func()) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "/hold", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Send(t.Context(), alias, requestID, request)
	if err != nil {
		t.Fatal(err)
	}
	return func() { response.Body.Close() }
}

// get sends a request that ends at once, and returns the body.
func get(t *testing.T, s *Server, alias, path string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Send(t.Context(), alias, "", request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

func stopRunner(t *testing.T, c client, id string, replaceFirst bool) {
	t.Helper()
	if _, err := c.StopRunner(c.ctx, &pb.StopRunnerRequest{RunnerId: id, ReplaceFirst: replaceFirst}); err != nil {
		t.Fatal(err)
	}
}

func TestStopStartsAnotherWhereOneIsWanted(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	before := awaitUp(t, s, "web", 1)[0]
	c := dial(t, s, s.Credentials())
	stopRunner(t, c, before.ID, false)
	ended := awaitState(t, s, before.ID, state.Terminated)
	if ended.Reason != "process exited with code 0" {
		t.Errorf("ended because %q", ended.Reason)
	}
	if alive(before.PID) {
		t.Errorf("process %d is still there", before.PID)
	}
	if got, want := states(t, s, before.ID), []string{"PENDING", "SETUP", "IDLE", "DRAINING", "TERMINATING", "TERMINATED"}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
	if text := logText(t, s, before.ID); !strings.Contains(text, "stdout STDOUT terminated in order\n") ||
		!strings.HasSuffix(text, "lifecycle INFO TERMINATED: process exited with code 0\n") {
		t.Errorf("log:\n%s", text)
	}
	if after := awaitUp(t, s, "web", 1)[0]; after.ID == before.ID {
		t.Error("the stopped runner is still up")
	}
	_, err := c.StopRunner(c.ctx, &pb.StopRunnerRequest{RunnerId: before.ID})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), before.ID) {
		t.Errorf("stopping it again: %v", err)
	}
	_, err = c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: before.ID})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("killing it after that: %v", err)
	}
}

func TestStopWaitsForRequestsInFlight(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency, spec.GracePeriod = 1, new(time.Duration(0))
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	finish := hold(t, s, "web", "request-1")
	defer finish()
	c := dial(t, s, s.Credentials())
	info := c.list(t)[0]
	lease := info.GetExternalMetadata().GetFields()["leases"].GetListValue().GetValues()[0].GetStructValue().GetFields()
	if info.GetState() != pb.RunnerInfo_RUNNING || info.GetInFlightRequests() != 1 ||
		lease["request_id"].GetStringValue() != "request-1" || lease["caller_user_id"].GetStringValue() != caller(t, s).Account.UserID ||
		time.Since(time.UnixMicro(int64(lease["leased_at_epoch"].GetNumberValue()*1e6))) > patience {
		t.Errorf("runner with a request in flight: %v", info)
	}

	stopRunner(t, c, r.ID, false)
	await(t, "another runner in its place", func() bool { return len(live(t, s, "web")) == 2 })
	if got := awaitState(t, s, r.ID, state.Draining); len(got.Leases) != 1 {
		t.Errorf("draining with %d leases", len(got.Leases))
	}
	if _, err := s.state.Lease(r.ID, "", ""); err == nil {
		t.Error("a draining runner took a request")
	}
	finish()
	awaitState(t, s, r.ID, state.Terminated)
}

func TestStopGivesUpOnRequestsAndOnSIGTERM(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web", "stubborn")
	spec.MinConcurrency, spec.RequestTimeout, spec.GracePeriod = 1, 200*time.Millisecond, new(100*time.Millisecond)
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	finish := hold(t, s, "web", "")
	defer finish()
	stopRunner(t, dial(t, s, s.Credentials()), r.ID, false)
	ended := awaitState(t, s, r.ID, state.Terminated)
	if !strings.Contains(ended.Reason, "SIGKILL") {
		t.Errorf("ended because %q", ended.Reason)
	}
	text := logText(t, s, r.ID)
	for _, want := range []string{
		"TERMINATING: still 1 request in flight after 200ms",
		"ignoring SIGTERM",
		"TERMINATING: SIGKILL: still running 100ms after SIGTERM",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("log without %q:\n%s", want, text)
		}
	}
}

func TestKill(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web", "stubborn")
	spec.GracePeriod = new(time.Hour)
	register(t, s, spec)
	if _, err := s.StartRunner(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	r := awaitUp(t, s, "web", 1)[0]
	c := dial(t, s, s.Credentials())
	if _, err := c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: r.ID}); err != nil {
		t.Fatal(err)
	}
	if ended := awaitState(t, s, r.ID, state.Terminated); !strings.Contains(ended.Reason, "SIGKILL") {
		t.Errorf("ended because %q", ended.Reason)
	}
	if strings.Contains(logText(t, s, r.ID), "SIGTERM") {
		t.Error("it was asked with SIGTERM first")
	}
}

func TestReplaceFirst(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency, spec.MaxConcurrency = 1, 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	finish := hold(t, s, "web", "long")
	defer finish()
	c := dial(t, s, s.Credentials())
	stopRunner(t, c, r.ID, true)
	if got := runner(t, s, r.ID); got.Replacement != state.WillReplace && got.Replacement != state.DidReplace {
		t.Errorf("replacement %d after the call", got.Replacement)
	}
	draining := awaitState(t, s, r.ID, state.Draining)
	if draining.Replacement != state.DidReplace {
		t.Errorf("replacement %d while draining", draining.Replacement)
	}
	var next *Runner
	for _, other := range live(t, s, "web") {
		if other.ID != r.ID {
			next = other
		}
	}
	if next == nil || next.State != state.Idle || next.Replaces != r.ID {
		t.Fatalf("it drains with the replacement %+v", next)
	}
	if !strings.Contains(draining.Reason, next.ID) {
		t.Errorf("it drains because %q", draining.Reason)
	}
	finish()
	awaitState(t, s, r.ID, state.Terminated)
	if left := awaitUp(t, s, "web", 1); left[0].ID != next.ID {
		t.Errorf("runner %s is up, not the replacement %s", left[0].ID, next.ID)
	}
}

func TestStartUpFailureIsDelayedAndTriedAgain(t *testing.T) {
	for mode, want := range map[string]string{
		"fail":    "process exited with code 3 before it was ready; next try in 1s",
		"unready": "not ready within 150ms: GET /ready…; next try in 1s",
	} {
		t.Run(mode, func(t *testing.T) {
			s := start(t, Options{})
			spec := app(t, "web", mode)
			spec.MinConcurrency = 1
			if mode == "unready" {
				spec.StartupTimeout = 150 * time.Millisecond
			}
			register(t, s, spec)
			await(t, "a runner", func() bool { return len(live(t, s, "web")) == 1 })
			r := awaitState(t, s, live(t, s, "web")[0].ID, state.FailureDelay)
			// Whether it came to answer in that time depends on the machine.
			head, tail, _ := strings.Cut(want, "…")
			if !strings.HasPrefix(r.Reason, head) || !strings.HasSuffix(r.Reason, tail) {
				t.Errorf("delayed because %q, want %q", r.Reason, want)
			}
			info := dial(t, s, s.Credentials()).list(t)[0]
			if r.Attempt == 1 && (info.GetState() != pb.RunnerInfo_FAILURE_DELAY || info.GetUptime() <= 0) {
				t.Errorf("listed as %v", info)
			}
			await(t, "a second failure", func() bool {
				r = runner(t, s, r.ID)
				return r.Attempt == 2 && r.State == state.FailureDelay
			})
			if !strings.HasSuffix(r.Reason, "next try in 2s") {
				t.Errorf("delayed again because %q", r.Reason)
			}
			stopRunner(t, dial(t, s, s.Credentials()), r.ID, false)
			awaitState(t, s, r.ID, state.Terminated)
		})
	}
}

func TestMissingCommandIsAStartUpFailure(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.Argv = []string{"/no/such/command"}
	spec.MinConcurrency = 1
	register(t, s, spec)
	await(t, "a failure", func() bool {
		runners := live(t, s, "web")
		return len(runners) == 1 && runners[0].State == state.FailureDelay && strings.Contains(runners[0].Reason, "/no/such/command")
	})
}

func TestCrashIsAnEndAndTheNextOneIsDelayed(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	crashed := time.Now()
	get(t, s, "web", "/crash")
	if ended := awaitState(t, s, r.ID, state.Terminated); ended.Reason != "process exited with code 4" {
		t.Errorf("ended because %q", ended.Reason)
	}
	next := awaitUp(t, s, "web", 1)[0]
	if wait := next.CreatedAt.Sub(crashed); wait < time.Second {
		t.Errorf("another was started after %s", wait)
	}
}

func TestIdleRunnerExpires(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.KeepAlive = new(time.Hour)
	register(t, s, spec)
	if _, err := s.StartRunner(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	awaitUp(t, s, "web", 1)
	c := dial(t, s, s.Credentials())
	await(t, "a countdown", func() bool {
		countdown := c.list(t)[0].ExpirationCountdown
		return countdown != nil && *countdown > 3500 && *countdown <= 3600
	})
	finish := hold(t, s, "web", "")
	if info := c.list(t)[0]; info.ExpirationCountdown != nil {
		t.Errorf("a busy runner counts down: %v", info)
	}
	finish()
	await(t, "a countdown again", func() bool { return c.list(t)[0].ExpirationCountdown != nil })

	spec.Name, spec.KeepAlive = "brief", new(50*time.Millisecond)
	register(t, s, spec)
	extra, err := s.StartRunner(t.Context(), "brief")
	if err != nil {
		t.Fatal(err)
	}
	awaitState(t, s, extra.ID, state.Terminated)
	if text := logText(t, s, extra.ID); !strings.Contains(text, "DRAINING: idle for 50ms (keep_alive)") {
		t.Errorf("log:\n%s", text)
	}
}

func TestNewRevisionReplacesRunners(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 2
	first := register(t, s, spec)
	before := awaitUp(t, s, "web", 2)
	spec.MachineTypes = []string{"M"}
	second := register(t, s, spec)
	for _, r := range before {
		awaitState(t, s, r.ID, state.Terminated)
	}
	for _, r := range awaitUp(t, s, "web", 2) {
		if r.Revision != second.Rev.RevisionID || r.MachineType != "M" {
			t.Errorf("runner of revision %s on %s", r.Revision, r.MachineType)
		}
	}
	if text := logText(t, s, before[0].ID); first.Rev.RevisionID == second.Rev.RevisionID || !strings.Contains(text, " of revision "+second.Rev.RevisionID) {
		t.Errorf("log:\n%s", text)
	}
}

func TestRunnerEnvironment(t *testing.T) {
	for _, name := range []string{"FAL_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "NVIDIA_API_KEY"} {
		t.Setenv(name, "canary")
	}
	t.Setenv("LC_TIME", "C")
	t.Setenv("http_proxy", "http://user:canary@127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://user:canary@127.0.0.1:1")
	t.Setenv("no_proxy", "127.0.0.1")
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency, spec.Env = 1, append(spec.Env, "GREETING=hello", "PORT=1", "HTTPS_PROXY=http://127.0.0.1:2")
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	env := strings.Split(get(t, s, "web", "/env"), "\n")
	for _, want := range []string{"GREETING=hello", "FAL_APP_NAME=web", "FAL_RUNNER_ID=" + r.ID, "FAL_REVISION=" + r.Revision,
		"PATH=" + os.Getenv("PATH"), "LC_TIME=C", "no_proxy=127.0.0.1", "HTTPS_PROXY=http://127.0.0.1:2"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not set", want)
		}
	}
	if slices.ContainsFunc(env, func(entry string) bool { return strings.Contains(entry, "canary") }) {
		t.Error("a runner was given the credentials of whoever started the control plane")
	}
	if text := logText(t, s, r.ID); !strings.Contains(text, "is not passed on: http_proxy. ") || strings.Contains(text, "canary") {
		t.Errorf("the log does not tell what is withheld, and no more:\n%s", text)
	}
}
