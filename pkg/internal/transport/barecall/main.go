// Command barecall makes one call with a gRPC client that has nothing but what
// the call needs, and prints how many records there are:
//
//	barecall 127.0.0.1:7070 <key id> <key secret> runners [seconds]
//	barecall 127.0.0.1:7070 <key id> <key secret> aliases
//	barecall 127.0.0.1:7070 <key id> <key secret> served [seconds]
//
// With seconds, runners also lists those that ended in so many seconds before
// now. Benchmarks take it for the least that such a call can cost; served tells
// the server's own part in a list of runners.
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
	usage := errors.New("usage: barecall <host:port> <key id> <key secret> runners|served [seconds] | aliases")
	if len(args) < 4 {
		return usage
	}
	conn, err := grpc.NewClient(args[0],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx = metadata.AppendToOutgoingContext(ctx, "auth-key-id", args[1], "auth-key", args[2])
	client := controllerpb.NewIsolateControllerClient(conn)
	switch what, rest := args[3], args[4:]; {
	case (what == "runners" || what == "served") && len(rest) < 2:
		request, err := since(rest)
		if err != nil {
			return err
		}
		if what == "served" {
			return served(ctx, conn, request)
		}
		return runners(ctx, client, request)
	case what == "aliases" && len(rest) == 0:
		return aliases(ctx, client)
	}
	return usage
}

// since is the request for the list of runners.
func since(seconds []string) (*controllerpb.ListRunnersRequest, error) {
	pending := true
	request := &controllerpb.ListRunnersRequest{ListPending: &pending}
	for _, text := range seconds {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		request.StartTime = timestamppb.New(time.Now().Add(-time.Duration(n) * time.Second))
	}
	return request, nil
}

func runners(ctx context.Context, client controllerpb.IsolateControllerClient, request *controllerpb.ListRunnersRequest) error {
	reply, err := client.ListRunners(ctx, request)
	if err != nil {
		return err
	}
	fmt.Println(len(reply.GetRunners()))
	return nil
}

func aliases(ctx context.Context, client controllerpb.IsolateControllerClient) error {
	reply, err := client.ListAliases(ctx, &controllerpb.ListAliasesRequest{})
	if err != nil {
		return err
	}
	fmt.Println(len(reply.GetAliases()))
	return nil
}
