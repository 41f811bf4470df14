package grpcapi

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// BenchmarkEncodeRunners is the server's side of a list of 100,000 runners.
func BenchmarkEncodeRunners(b *testing.B) {
	now := time.Now()
	runners := make([]*state.Runner, 100_000)
	for i := range runners {
		runners[i] = &state.Runner{ID: fmt.Sprintf("00000000-0000-0000-0000-%012d", i), Alias: "web", Revision: "11111111-1111-1111-1111-111111111111",
			MachineType: "GPU-H100", State: state.Terminated, StartedAt: now.Add(-time.Hour), EndedAt: now}
	}
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			encodeRunners(runners, now)
		}
	})
	b.Run("marshal", func(b *testing.B) {
		response := &pb.ListRunnersResponse{Runners: encodeRunners(runners, now)}
		for b.Loop() {
			if _, err := proto.Marshal(response); err != nil {
				b.Fatal(err)
			}
		}
	})
}
