package fal

import (
	"context"
	"errors"
)

// A TokenRenewer is a [TokenSource] that can do something about a token which
// the service did not accept. A call that ended so was not carried out: it is
// made once more after Renew, whether it may be repeated or not. An error of
// Renew takes the place of the call's, in the same way as one of Token.
// Sessions of [RunnersService.Shell] are not begun again.
type TokenRenewer interface {
	TokenSource
	Renew(ctx context.Context, rejected string) error
}

// givenToken is the token that a call went out with.
type givenToken struct{ token string }

type givenTokenKey struct{}

// give notes which token a call goes out with.
func give(ctx context.Context, token string) {
	if given, ok := ctx.Value(givenTokenKey{}).(*givenToken); ok {
		given.token = token
	}
}

// renewing makes a call, and once more when its token was not accepted and
// there is another. The errors of call are of this package.
func (c *Client) renewing(ctx context.Context, call func(context.Context) error) error {
	if c.renewer == nil {
		return call(ctx)
	}
	given := new(givenToken)
	err := call(context.WithValue(ctx, givenTokenKey{}, given))
	if given.token == "" || !errors.Is(err, ErrUnauthenticated) {
		return err
	}
	if failed := c.renewer.Renew(ctx, given.token); failed != nil {
		if own := (*Error)(nil); errors.As(failed, &own) {
			return failed
		}
		return &Error{Code: CodeUnauthenticated, Message: failed.Error(), cause: failed}
	}
	return call(ctx)
}
