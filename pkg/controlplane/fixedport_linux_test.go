package controlplane

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// TestTwoAppsOfOnePort has the second app bind the port that the first may bind, and
// does not: each is answered by its own runner, since
// who listens is known here.
func TestTwoAppsOfOnePort(t *testing.T) {
	s := start(t, Options{})
	port := unusedPort(t)
	slow := deployed(t, "slow", "sleep 3;")
	slow.MinConcurrency, slow.Serving.ExposedPort = 1, &port
	quick := deployed(t, "quick", fmt.Sprintf("PORT=%d", port))
	quick.MinConcurrency, quick.Serving.ExposedPort = 1, &port
	register(t, s, slow)
	await(t, "the first runner has a process", func() bool {
		runners := live(t, s, "slow")
		return len(runners) == 1 && runners[0].State == state.Setup
	})
	register(t, s, quick)
	if r := awaitUp(t, s, "quick", 1)[0]; r.Port != port {
		t.Errorf("it listens on %d", r.Port)
	}
	if r := awaitUp(t, s, "slow", 1)[0]; r.Port == port {
		t.Error("two runners listen on a port")
	}
	for _, name := range []string{"slow", "quick"} {
		if text := get(t, s, name, "/env"); !strings.Contains(text, "FAL_APP_NAME="+name+"\n") {
			t.Errorf("%s is answered with %q", name, text)
		}
	}
}

// TestAppThatDoesNotSayItsPort binds one that neither PORT nor exposed_port names.
func TestAppThatDoesNotSayItsPort(t *testing.T) {
	s := start(t, Options{})
	s.fleet.strayAfter = 10 * time.Millisecond
	port := unusedPort(t)
	spec := deployed(t, "web", fmt.Sprintf("PORT=%d", port))
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	if r.Port != port || !s.state.Single(r.Revision) {
		t.Errorf("port %d of a runner that binds %d, known as fixed: %t", r.Port, port, s.state.Single(r.Revision))
	}
	if text := get(t, s, "web", "/env"); !strings.Contains(text, fmt.Sprintf("PORT=%d\n", port)) {
		t.Errorf("answer %q", text)
	}
	if text := logText(t, s, r.ID); !strings.Contains(text, fmt.Sprintf("bridge WARNING the app listens on port %d and not on the one that PORT names", port)) {
		t.Errorf("log:\n%s", text)
	}
	// The next revision does not find the port in use.
	s.fleet.strayAfter = time.Hour
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
	if history := states(t, s, next.ID); next.Port != port || slices.Contains(history, "FAILURE_DELAY") {
		t.Errorf("runner %+v: %v", next, history)
	}
	// The one after it takes the port that it is given, and those after that are
	// replaced one by one again.
	for range 2 {
		taking := deployed(t, "web", "")
		taking.MinConcurrency = 1
		revision := register(t, s, taking).Rev.RevisionID
		await(t, "a runner that takes PORT", func() bool {
			runners := live(t, s, "web")
			return len(runners) == 1 && runners[0].Revision == revision && runners[0].State == state.Idle && runners[0].Port != port && !s.state.Single(revision)
		})
	}
	if known := s.fleet.fixed.found(appKey(r.Account, "web")); known != 0 {
		t.Errorf("port %d is still expected", known)
	}
}

// TestSeveralRunnersOfAnUnknownPort keeps two runners of an app that binds a port of
// its own without saying so: one is up, and none fails.
func TestSeveralRunnersOfAnUnknownPort(t *testing.T) {
	s := start(t, Options{})
	s.fleet.strayAfter = 300 * time.Millisecond
	port := unusedPort(t)
	spec := deployed(t, "web", fmt.Sprintf("PORT=%d", port))
	spec.MinConcurrency = 2
	for range 2 {
		revision := register(t, s, spec).Rev.RevisionID
		await(t, "one runner of the revision alone", func() bool {
			runners := live(t, s, "web")
			return len(runners) == 1 && runners[0].Revision == revision && runners[0].State == state.Idle && runners[0].Port == port
		})
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
	// One that does not listen for long does not keep others from starting.
	spec = deployed(t, "lost", "", "lost")
	spec.MinConcurrency = 2
	register(t, s, spec)
	await(t, "two processes", func() bool {
		runners := live(t, s, "lost")
		return len(runners) == 2 && runners[0].State == state.Setup && runners[1].State == state.Setup
	})
}

// TestPortThatComesLater has an app listen elsewhere before it takes the port that it
// is given.
func TestPortThatComesLater(t *testing.T) {
	s := start(t, Options{})
	s.fleet.strayAfter = 100 * time.Millisecond // and what is beside does not speak HTTP
	spec := deployed(t, "web", "", "beside", "slow")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	if text := get(t, s, "web", "/env"); !strings.Contains(text, fmt.Sprintf("PORT=%d\n", r.Port)) || s.state.Single(r.Revision) {
		t.Errorf("port %d, answer %q", r.Port, text)
	}
}

// TestRequestsKeepAPortForTheGracePeriod and no longer, when another process is to bind
// it.
func TestRequestsKeepAPortForTheGracePeriod(t *testing.T) {
	for name, leave := range map[string]func(*testing.T, *Server, AppSpec, *Runner) (next string){
		"stop": func(t *testing.T, s *Server, _ AppSpec, r *Runner) string {
			stopRunner(t, dial(t, s, s.Credentials()), r.ID, false)
			return "web"
		},
		"delete": func(t *testing.T, s *Server, spec AppSpec, _ *Runner) string {
			if _, err := s.state.DeleteApp(t.Context(), caller(t, s), "", "web"); err != nil {
				t.Fatal(err)
			}
			spec.Name = "other"
			register(t, s, spec)
			return "other"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			port := unusedPort(t)
			spec := deployed(t, "web", fmt.Sprintf("PORT=%d", port))
			spec.MinConcurrency, spec.Serving.ExposedPort = 1, &port
			spec.GracePeriod = new(200 * time.Millisecond)
			register(t, s, spec)
			r := awaitUp(t, s, "web", 1)[0]
			finish := hold(t, s, "web", "long")
			defer finish()
			next := leave(t, s, spec, r)
			await(t, "a runner in its place", func() bool {
				runners := live(t, s, next)
				return len(runners) == 1 && runners[0].ID != r.ID && runners[0].State == state.Idle && runners[0].Port == port
			})
			if got := runner(t, s, r.ID); got.State != state.Terminated {
				t.Errorf("the one before is %s", got.State)
			}
		})
	}
}

// TestRequestsKeepAPortThatNobodyWaitsFor beyond the grace period.
func TestRequestsKeepAPortThatNobodyWaitsFor(t *testing.T) {
	s := start(t, Options{})
	port := unusedPort(t)
	spec := deployed(t, "web", fmt.Sprintf("PORT=%d", port))
	spec.MinConcurrency, spec.Serving.ExposedPort = 1, &port
	spec.GracePeriod = new(time.Duration(0))
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	finish := hold(t, s, "web", "long")
	defer finish()
	if _, err := s.state.DeleteApp(t.Context(), caller(t, s), "", "web"); err != nil {
		t.Fatal(err)
	}
	awaitState(t, s, r.ID, state.Draining)
	plans(s)
	if got := runner(t, s, r.ID); got.State != state.Draining {
		t.Errorf("it is %s while a request is in flight", got.State)
	}
	finish()
	awaitState(t, s, r.ID, state.Terminated)
}

// TestAppThatListensOnSeveralPorts says which they are.
func TestAppThatListensOnSeveralPorts(t *testing.T) {
	s := start(t, Options{})
	spec := deployed(t, "web", "", "beside", "beside", "lost")
	spec.MinConcurrency, spec.StartupTimeout = 1, 4*time.Second
	register(t, s, spec)
	failed := awaitFailure(t, s, "web")
	text := logText(t, s, failed.ID)
	var ports []string
	for line := range strings.Lines(text) {
		if _, port, ok := strings.Cut(strings.TrimSpace(line), "STDOUT beside "); ok {
			ports = append(ports, port)
		}
	}
	slices.Sort(ports) // all have five digits
	want := "the app listens on ports " + strings.Join(ports, " and ") + " and not on the one that PORT names"
	if len(ports) != 2 || !strings.Contains(text, "WARNING "+want) || !strings.Contains(failed.Reason, want) || !strings.Contains(text, "set exposed_port = the one") {
		t.Errorf("reason %s\n%s", failed.Reason, text)
	}
	if strings.Count(text, "WARNING the app listens") != 1 {
		t.Errorf("it says so again and again:\n%s", text)
	}
}

// TestAppThatListensNowhere says what to do where the port is one of its own.
func TestAppThatListensNowhere(t *testing.T) {
	s := start(t, Options{})
	spec := deployed(t, "web", "", "lost")
	spec.MinConcurrency, spec.StartupTimeout = 1, time.Second
	register(t, s, spec)
	if failed := awaitFailure(t, s, "web"); !strings.Contains(failed.Reason, "an app that listens on another one says so by exposed_port") {
		t.Errorf("reason %s", failed.Reason)
	}
}
