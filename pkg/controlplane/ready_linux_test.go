package controlplane

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// TestStrangerOnTheFixedPort has another program listen where a process is expected
// to.
func TestStrangerOnTheFixedPort(t *testing.T) {
	s := start(t, Options{})
	port := unusedPort(t)
	spec := deployed(t, "web", "")
	spec.Launch.Configuration["image"].(map[string]any)["entrypoint"] = []any{"/bin/sh", "-c", "echo begun; sleep 3600"}
	spec.MinConcurrency, spec.StartupTimeout = 1, 2*time.Second
	spec.Serving.ExposedPort = &port
	register(t, s, spec)
	await(t, "the process runs", func() bool {
		runners := live(t, s, "web")
		return len(runners) == 1 && strings.Contains(logText(t, s, runners[0].ID), "begun")
	})
	stranger, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if failed := awaitFailure(t, s, "web"); !strings.Contains(failed.Reason, fmt.Sprintf("what listens on port %d is another program", port)) {
		t.Errorf("reason %q", failed.Reason)
	}
}
