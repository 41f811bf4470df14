package controlplane

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// BenchmarkListRunners lists 100,000 runners, client included.
func BenchmarkListRunners(b *testing.B) {
	s := start(b, Options{})
	const n = 100_000
	if err := s.ImportEndedRunners(b.Context(), n); err != nil {
		b.Fatal(err)
	}
	c := dial(b, s, s.Credentials())
	request := &pb.ListRunnersRequest{ListPending: new(true), StartTime: timestamppb.New(time.Now().Add(-24 * time.Hour))}
	for b.Loop() {
		response, err := c.ListRunners(c.ctx, request)
		if err != nil {
			b.Fatal(err)
		}
		if len(response.GetRunners()) != n {
			b.Fatalf("%d runners", len(response.GetRunners()))
		}
	}
}
