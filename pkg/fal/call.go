package fal

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// call makes a unary call and its error an *[Error].
func (c *Client) call(ctx context.Context, method string, request, reply any, options ...grpc.CallOption) error {
	return c.renewing(ctx, func(ctx context.Context) error {
		return callError(method, c.conn.Invoke(ctx, method, request, reply, options...))
	})
}

// elements makes a call and goes through one repeated field of its answer, one
// element at a time. decode says too whether an element is to be given.
func elements[T any](ctx context.Context, c *Client, method string, request any, field protowire.Number,
	decode func(element []byte) (_ T, give bool, _ error), yield func(T, error) bool, options ...grpc.CallOption) {
	var none T
	var reply transport.Raw
	defer reply.Free()
	if err := c.call(ctx, method, request, &reply, append(options, transport.KeepRaw())...); err != nil {
		yield(none, err)
		return
	}
	for element, err := range reply.Elements(field) {
		var row T
		var give bool
		if err == nil {
			row, give, err = decode(element)
		}
		if err != nil {
			yield(none, unreadable(method, err))
			return
		}
		if give && !yield(row, nil) {
			return
		}
	}
}

// list goes through what a call answers at once; each range makes the call anew.
func list[Wire, T any](call func() ([]Wire, error), convert func(Wire) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		answer, err := call()
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, w := range answer {
			if !yield(convert(w), nil) {
				return
			}
		}
	}
}
