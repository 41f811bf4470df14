package controlplane

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
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

// BenchmarkListAliases lists 5,000 apps beside 20,000 runners, client included.
func BenchmarkListAliases(b *testing.B) {
	s := start(b, Options{})
	const n = 5_000
	var group errgroup.Group
	group.SetLimit(64)
	for i := range n {
		group.Go(func() error {
			_, err := s.RegisterApp(b.Context(), AppSpec{Name: fmt.Sprintf("app-%04d", i), Argv: []string{"true"}})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	if err := s.ImportEndedRunners(b.Context(), 20_000); err != nil {
		b.Fatal(err)
	}
	c := dial(b, s, s.Credentials())
	for b.Loop() {
		result, err := c.ListAliases(c.ctx, &pb.ListAliasesRequest{})
		if err != nil {
			b.Fatal(err)
		}
		if len(result.GetAliases()) != n {
			b.Fatalf("%d apps", len(result.GetAliases()))
		}
	}
}
