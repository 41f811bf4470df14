// Command barestream moves bytes over a bidirectional gRPC stream that has
// nothing but what that needs, to a server that does nothing but send them
// back or drop them, each in a process of its own:
//
//	barestream serve                              says its address, ends with its standard input
//	barestream send 127.0.0.1:7070 < FILE         to a server that drops them
//	barestream echo 127.0.0.1:7070 < FILE > FILE  and back
//
// A message carries 64 KiB. Benchmarks take it for the least that such a
// transfer can cost.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

const messageSize = 64 << 10

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Args[1:]); err != nil {
		log.Fatal("barestream: ", err)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve()
	case len(args) == 2 && (args[0] == "send" || args[0] == "echo"):
		return transfer(ctx, args[1], args[0])
	}
	return errors.New("usage: barestream serve | barestream send|echo <host:port>")
}

type server struct {
	controllerpb.UnimplementedIsolateControllerServer
}

// ShellRunner sends back what comes, or, when it was started as "send", drops
// it.
func (server) ShellRunner(stream grpc.BidiStreamingServer[controllerpb.ShellRunnerInput, controllerpb.ShellRunnerOutput]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if first.GetRunnerId() == "send" {
			continue
		}
		if err := stream.Send(&controllerpb.ShellRunnerOutput{Data: m.GetData()}); err != nil {
			return err
		}
	}
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	controllerpb.RegisterIsolateControllerServer(s, server{})
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Stop()
	}()
	return s.Serve(listener)
}

func transfer(ctx context.Context, address, mode string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	group, ctx := errgroup.WithContext(ctx)
	stream, err := controllerpb.NewIsolateControllerClient(conn).ShellRunner(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&controllerpb.ShellRunnerInput{RunnerId: mode}); err != nil {
		return err
	}
	group.Go(func() error {
		buffer := make([]byte, messageSize)
		for {
			n, err := os.Stdin.Read(buffer)
			if errors.Is(err, io.EOF) {
				return stream.CloseSend()
			}
			if err != nil {
				return err
			}
			if err := stream.Send(&controllerpb.ShellRunnerInput{Data: buffer[:n]}); err != nil {
				return err
			}
		}
	})
	group.Go(func() error {
		for {
			m, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if _, err := os.Stdout.Write(m.GetData()); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}
