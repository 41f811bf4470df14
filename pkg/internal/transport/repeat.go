package transport

import (
	"context"
)

// Repeat makes a call that may be repeated, by the same rule as a [Repeatable]
// gRPC call: while attempt says that another one may help, five times at most,
// and never past the context's deadline.
func Repeat(ctx context.Context, attempt func() (again bool, err error)) error {
	for n := 1; ; n++ {
		again, err := attempt()
		if err == nil || !again || n >= maxAttempts || !pause(ctx, n) {
			return err
		}
	}
}
