package fal_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

const manyRunners = 100_000

// bytesCodec lets a server answer with bytes that were marshalled before.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// serveMany answers every call with a list of many runners, and tells where.
func serveMany(tb testing.TB, n int) string {
	tb.Helper()
	reply, err := proto.Marshal(manyInfos(tb, n))
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(bytesCodec{}),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
			var request []byte
			if err := s.RecvMsg(&request); err != nil {
				return err
			}
			return s.SendMsg(&reply)
		}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); err != nil {
			tb.Error(err)
		}
	}()
	tb.Cleanup(func() { server.Stop(); <-done })
	return listener.Addr().String()
}

func manyInfos(tb testing.TB, n int) *controllerpb.ListRunnersResponse {
	tb.Helper()
	reply := &controllerpb.ListRunnersResponse{}
	for i := range n {
		metadata, err := structpb.NewStruct(map[string]any{
			"present_in_group": true,
			"leases": []any{map[string]any{
				"request_id": fmt.Sprintf("00000000-0000-0000-0000-%012d", i), "caller_user_id": "user", "leased_at_epoch": 1.7e9,
			}},
		})
		if err != nil {
			tb.Fatal(err)
		}
		state := controllerpb.RunnerInfo_IDLE
		reply.Runners = append(reply.Runners, &controllerpb.RunnerInfo{
			RunnerId:         fmt.Sprintf("a0000000-0000-0000-0000-%012d", i),
			Uptime:           float32(i),
			Revision:         fmt.Sprintf("66666666-0000-0000-0000-%012d", i%50),
			Alias:            fmt.Sprintf("app-%d", i%50),
			State:            &state,
			MachineType:      "GPU-H100",
			ExternalMetadata: metadata,
		})
	}
	return reply
}

func BenchmarkListManyRunners(b *testing.B) {
	host := serveMany(b, manyRunners)
	b.Run("fal", func(b *testing.B) {
		client, err := fal.New(fal.Options{Host: host, Plaintext: true, Credentials: fal.Anonymous})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for _, err := range client.Runners.List(context.Background(), nil) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != manyRunners {
				b.Fatalf("%d runners", n)
			}
		}
	})
	b.Run("generated", func(b *testing.B) {
		conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		b.ReportAllocs()
		for b.Loop() {
			reply, err := controllerpb.NewIsolateControllerClient(conn).ListRunners(context.Background(), &controllerpb.ListRunnersRequest{})
			if err != nil || len(reply.GetRunners()) != manyRunners {
				b.Fatalf("%d runners, %v", len(reply.GetRunners()), err)
			}
		}
	})
}
