//go:build unix

package controlplane

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// TestAttachWithANoisyNeighbour has one of two runners fail while the other prints
// without a pause.
func TestAttachWithANoisyNeighbour(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	first := filepath.Join(t.TempDir(), "first")
	line := "if mkdir '" + first + "'; then while :; do echo noise; sleep 0.02; done; fi; sleep 0.3; echo last words; exit 3"
	begun := time.Now()
	_, logs, err := c.register(&pb.RegisterApplicationRequest{
		ApplicationName: new("web"), AttachToDeployment: new(true),
		Environments: []*pb.EnvironmentDefinition{environment(t, map[string]any{"image": map[string]any{
			"image": "x", "use_isolate": false, "entrypoint": []any{"/bin/sh", "-c", line},
		}})},
		MachineRequirements: &pb.MachineRequirements{MinConcurrency: new(int32(2)), StartupTimeout: new(int32(600))},
	})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "exited with code 3") || !said(logs, "last words") || !said(logs, "noise") {
		t.Errorf("%v, %v", logs, err)
	}
	t.Logf("it took %s", time.Since(begun))
}
