package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// served times the server's part in a list of runners: the call without
// decoding its answer, and beside it the encoding of the same answer alone. It
// prints the medians in nanoseconds.
func served(ctx context.Context, conn *grpc.ClientConn, request *controllerpb.ListRunnersRequest) error {
	const rounds = 21
	message := new(controllerpb.ListRunnersResponse)
	if err := conn.Invoke(ctx, controllerpb.IsolateController_ListRunners_FullMethodName, request, message); err != nil {
		return err
	}
	var calls, encodings [rounds]time.Duration
	for i := range rounds {
		began := time.Now()
		if err := conn.Invoke(ctx, controllerpb.IsolateController_ListRunners_FullMethodName, request, message, grpc.ForceCodecV2(undecoded{})); err != nil {
			return err
		}
		calls[i] = time.Since(began)
		began = time.Now()
		if _, err := proto.Marshal(message); err != nil {
			return err
		}
		encodings[i] = time.Since(began)
	}
	slices.Sort(calls[:])
	slices.Sort(encodings[:])
	fmt.Println(calls[rounds/2].Nanoseconds(), encodings[rounds/2].Nanoseconds(), len(message.GetRunners()))
	return nil
}

// undecoded encodes requests and drops answers.
type undecoded struct{}

func (undecoded) Marshal(v any) (mem.BufferSlice, error) {
	data, err := proto.Marshal(v.(proto.Message))
	return mem.BufferSlice{mem.SliceBuffer(data)}, err
}

func (undecoded) Unmarshal(mem.BufferSlice, any) error { return nil }

func (undecoded) Name() string { return "proto" }
