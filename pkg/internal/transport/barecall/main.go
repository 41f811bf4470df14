// Command barecall lists the runners with a gRPC client that has nothing but
// what the call needs, and prints how many there are:
//
//	barecall 127.0.0.1:7070 <key id> <key secret> [seconds]
//
// With seconds it also lists those that ended in so many seconds before now.
// Benchmarks take it for the least that such a call can cost.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Args[1:]); err != nil {
		log.Fatal("barecall: ", err)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 && len(args) != 4 {
		return errors.New("usage: barecall <host:port> <key id> <key secret> [seconds]")
	}
	pending := true
	request := &controllerpb.ListRunnersRequest{ListPending: &pending}
	if len(args) == 4 {
		seconds, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		request.StartTime = timestamppb.New(time.Now().Add(-time.Duration(seconds) * time.Second))
	}
	conn, err := grpc.NewClient(args[0],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx = metadata.AppendToOutgoingContext(ctx, "auth-key-id", args[1], "auth-key", args[2])
	reply, err := controllerpb.NewIsolateControllerClient(conn).ListRunners(ctx, request)
	if err != nil {
		return err
	}
	fmt.Println(len(reply.GetRunners()))
	return nil
}
