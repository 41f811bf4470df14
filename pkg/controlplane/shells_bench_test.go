//go:build unix

package controlplane

import (
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// echo is what a session with cat costs at least: the same messages without a
// process.
type echo struct {
	pb.UnimplementedIsolateControllerServer
}

func (echo) ShellRunner(stream pb.IsolateController_ShellRunnerServer) error {
	for {
		input, err := stream.Recv()
		if err == io.EOF {
			return stream.Send(&pb.ShellRunnerOutput{ExitCode: new(int32(0))})
		}
		if err != nil {
			return err
		}
		if len(input.GetData()) == 0 {
			continue
		}
		if err := stream.Send(&pb.ShellRunnerOutput{Data: input.GetData()}); err != nil {
			return err
		}
	}
}

func BenchmarkSession(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	bare := grpc.NewServer()
	pb.RegisterIsolateControllerServer(bare, echo{})
	go bare.Serve(listener)
	defer bare.Stop()
	s := start(b, Options{})
	spec := app(b, "web")
	spec.MinConcurrency = 1
	register(b, s, spec)
	first := &pb.ShellRunnerInput{RunnerId: awaitUp(b, s, "web", 1)[0].ID, Command: []string{"cat"}}

	const total = 256 << 20
	for name, c := range map[string]client{
		"bare": dialAddress(b, listener.Addr().String(), Credentials{}),
		"cat":  dial(b, s, s.Credentials()),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(total)
			for b.Loop() {
				transfer(b, c, first, total)
			}
		})
	}
}

// transfer sends so many bytes and has all of them come back.
func transfer(b *testing.B, c client, first *pb.ShellRunnerInput, total int) {
	stream, err := c.ShellRunner(c.ctx)
	if err != nil {
		b.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		err := stream.Send(first)
		message := &pb.ShellRunnerInput{Data: make([]byte, 64<<10)}
		for left := total; left > 0 && err == nil; left -= len(message.Data) {
			err = stream.Send(message)
		}
		if err == nil {
			err = stream.CloseSend()
		}
		sent <- err
	}()
	back := 0
	for {
		output, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		back += len(output.GetData())
	}
	if err := <-sent; err != nil || back != total {
		b.Fatalf("%d of %d bytes came back, %v", back, total, err)
	}
}
