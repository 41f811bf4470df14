package controlplane

import (
	"fmt"
	"strings"
	"testing"

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
