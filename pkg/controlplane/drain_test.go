package controlplane

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/loopback"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// TestRequestsOutlastTheGracePeriod of a runner that has to go, unless something
// waits for its end.
func TestRequestsOutlastTheGracePeriod(t *testing.T) {
	rollout := func(force bool) func(*testing.T, *Server, AppSpec, *Runner) {
		return func(t *testing.T, s *Server, _ AppSpec, _ *Runner) {
			c := dial(t, s, s.Credentials())
			if _, err := c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web", Force: &force}); err != nil {
				t.Fatal(err)
			}
		}
	}
	deploy := func(strategy state.Strategy) func(*testing.T, *Server, AppSpec, *Runner) {
		return func(t *testing.T, s *Server, spec AppSpec, _ *Runner) {
			spec.Strategy = &strategy
			register(t, s, spec)
		}
	}
	for name, test := range map[string]struct {
		leave  func(*testing.T, *Server, AppSpec, *Runner)
		answer bool
	}{
		"stop": {func(t *testing.T, s *Server, _ AppSpec, r *Runner) {
			stopRunner(t, dial(t, s, s.Credentials()), r.ID, false)
		}, true},
		"stop, replaced": {func(t *testing.T, s *Server, _ AppSpec, r *Runner) {
			stopRunner(t, dial(t, s, s.Credentials()), r.ID, true)
		}, true},
		"rollout":            {rollout(false), true},
		"rollout, forced":    {rollout(true), false},
		"deploy":             {deploy(state.Rolling), true},
		"deploy, recreating": {deploy(state.Recreate), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{})
			spec := app(t, "web")
			spec.MinConcurrency, spec.GracePeriod = 1, new(time.Duration(0))
			register(t, s, spec)
			r := awaitUp(t, s, "web", 1)[0]
			response := call(t.Context(), t, s, "web/hold")
			defer response.Body.Close()
			test.leave(t, s, spec, r)
			if test.answer {
				awaitState(t, s, r.ID, state.Draining)
				plans(s)
				if got := runner(t, s, r.ID); got.State != state.Draining {
					t.Fatalf("it is %s while a request is in flight", got.State)
				}
				c := dial(t, s, s.Credentials())
				await(t, "the next runner", func() bool { return c.alias(t, "web").GetActiveRunners() == 1 })
				released, err := http.Get(fmt.Sprintf("http://%s/release", loopback.Address(r.Port)))
				if err != nil {
					t.Fatal(err)
				}
				released.Body.Close()
			}
			body, err := io.ReadAll(response.Body)
			if (string(body) == "released" && err == nil) != test.answer {
				t.Errorf("the answer is %q, %v", body, err)
			}
			awaitState(t, s, r.ID, state.Terminated)
			awaitUp(t, s, "web", 1)
			if text := logText(t, s, r.ID); strings.Contains(text, "still 1 request in flight after 0s") == test.answer {
				t.Errorf("its log:\n%s", text)
			}
		})
	}
}

// plans waits for some, by the first of which a grace period of 0 is over.
func plans(s *Server) {
	for range 2 {
		s.fleet.calls <- func() {}
	}
}

// TestAForcedRolloutEndsWhatDrains too.
func TestAForcedRolloutEndsWhatDrains(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency, spec.GracePeriod = 1, new(time.Duration(0))
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	finish := hold(t, s, "web", "long")
	defer finish()
	c := dial(t, s, s.Credentials())
	for _, step := range []struct {
		force bool
		want  state.RunnerState
	}{{false, state.Draining}, {true, state.Terminated}} {
		if _, err := c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web", Force: &step.force}); err != nil {
			t.Fatal(err)
		}
		awaitState(t, s, r.ID, step.want)
	}
}

// TestAnAttachedDeployDoesNotWaitForOldRequests as it does not have to.
func TestAnAttachedDeployDoesNotWaitForOldRequests(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	finish := hold(t, s, "web", "long")
	defer finish()
	next := register(t, s, spec)
	await(t, "the end of the rollout", func() bool { return s.state.Progress(next).Settled })
	if got := runner(t, s, r.ID); got.State != state.Draining || len(got.Leases) != 1 {
		t.Errorf("the old one: %+v", got)
	}
}

// TestKeepAliveEndsAllThatIsNotWanted when min_concurrency is lowered.
func TestKeepAliveEndsAllThatIsNotWanted(t *testing.T) {
	s := start(t, Options{})
	spec := scaled(t, 300*time.Millisecond)
	spec.MinConcurrency, spec.MaxConcurrency = 4, 6
	register(t, s, spec)
	awaitUp(t, s, "web", 4)
	if _, err := s.state.ScaleApp(t.Context(), caller(t, s), "", "web", state.SettingsChange{MinConcurrency: new(1)}); err != nil {
		t.Fatal(err)
	}
	awaitUp(t, s, "web", 1)
}
