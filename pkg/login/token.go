package login

import (
	"context"
	"errors"
	"time"

	"github.com/fal-plugins/fal/pkg/login/internal/tokenfile"
)

// errLostLock: the lock's file was removed under us, so that another process
// may hold a lock of the same name.
var errLostLock = errors.New("the lock was removed")

// Token returns an access token. While the one in the file has more than 30
// minutes to live, that costs reading the file: no lock, no network. Otherwise
// the login is refreshed, by one process at a time; those that waited take
// what it wrote. An access token that tells no expiry is taken to live for an
// hour from when it was written.
//
// When a refresh fails for a reason that leaves the login as it is, a token
// that has not yet ended is returned all the same.
func (c *Client) Token(ctx context.Context) (string, error) {
	seen, err := c.read()
	if err != nil {
		return "", err
	}
	if seen.Missing {
		return "", notLoggedIn()
	}
	if err := c.own(seen); err != nil {
		return "", err
	}
	if c.fresh(seen) {
		return seen.Access, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", c.interrupted(ctx, "the login was being refreshed")
	}
	token, err := c.renew(ctx, outdated{Tokens: seen.Tokens})
	if err != nil && ctx.Err() == nil && c.alive(seen) &&
		!errors.Is(err, Refused) && !errors.Is(err, NotLoggedIn) && !errors.Is(err, OtherIssuer) {
		return seen.Access, nil
	}
	return token, err
}

// Renew returns an access token in place of one that the service did not accept
// although it has time to live. When the file holds a different one by now,
// that is the one. What was rejected stays in the file until it is replaced.
func (c *Client) Renew(ctx context.Context, rejected string) (string, error) {
	seen, err := c.read()
	if err != nil {
		return "", err
	}
	if seen.Missing {
		return "", notLoggedIn()
	}
	if err := c.own(seen); err != nil {
		return "", err
	}
	old := outdated{Tokens: seen.Tokens, rejected: rejected}
	if c.renewed(seen, old) {
		return seen.Access, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", c.interrupted(ctx, "the login was being refreshed")
	}
	return c.renew(ctx, old)
}

// outdated are tokens to replace.
type outdated struct {
	tokenfile.Tokens

	rejected string // an access token that is not to be returned; "" if none is known
}

func notLoggedIn() *Error { return &Error{Kind: NotLoggedIn, Message: "not logged in"} }

// Check reports whether the login is one that may be sent to the issuer, and to
// the service that it issues tokens for, without sending anything. Its errors
// are [NotLoggedIn], [OtherIssuer] and [Storage].
func (c *Client) Check() error {
	found, err := c.read()
	if err != nil {
		return err
	}
	if found.Refresh == "" {
		return notLoggedIn()
	}
	return c.own(found)
}

// own keeps the tokens of one issuer from being sent to another. Whatever
// sends one, or gives one away, passes here first.
func (c *Client) own(found tokenfile.Contents) error {
	issuer := readClaims(found.Access).Issuer
	switch {
	case found.Refresh == "": // there is nothing to send
		return nil
	case !c.endpoints.foreign(issuer) && (c.admit == nil || c.admit(issuer)):
		return nil
	case issuer == "":
		return &Error{Kind: OtherIssuer, Message: "nothing in " + plain(c.Path()) + " tells that the login is of " + plain(c.endpoints.Issuer)}
	case issuer == c.endpoints.Issuer:
		return &Error{Kind: OtherIssuer, Message: "the login in " + plain(c.Path()) + ", of " + plain(issuer) + ", is not for this host"}
	}
	return &Error{Kind: OtherIssuer, Message: "the login in " + plain(c.Path()) + " is of " + plain(issuer) + ", and not of " + plain(c.endpoints.Issuer)}
}

// renew returns an access token that is newer than what was seen.
func (c *Client) renew(ctx context.Context, seen outdated) (string, error) {
	for {
		var found string
		held, err := c.lock(ctx, func() bool {
			now, err := c.read()
			if err == nil && c.renewed(now, seen) {
				found = now.Access
			}
			return found != ""
		})
		if err != nil || found != "" {
			return found, err
		}
		token, err := c.renewHeld(ctx, held, seen)
		held.Release()
		if !errors.Is(err, errLostLock) {
			return token, err
		}
	}
}

// renewed reports whether the file holds a token to use: a fresh one, or one
// that somebody just got and that has not ended. Where tokens live for less
// than the margin, the latter is as good as it gets.
func (c *Client) renewed(now tokenfile.Contents, seen outdated) bool {
	if c.own(now) != nil || now.Access == seen.rejected {
		return false
	}
	return c.fresh(now) || now.Access != seen.Access && c.alive(now)
}

func (c *Client) renewHeld(ctx context.Context, held *tokenfile.Held, seen outdated) (string, error) {
	const refusals = 3 // each time someone else was faster
	var refused *Error
	for range refusals {
		now, err := c.read()
		if err != nil {
			return "", err
		}
		if c.renewed(now, seen) {
			return now.Access, nil
		}
		if now.Refresh == "" {
			return "", notLoggedIn()
		}
		if err := c.own(now); err != nil {
			return "", err
		}
		slot, err := held.Reserve()
		if err != nil {
			return "", storageError("save the login", err)
		}
		if err := c.secure(ctx, held); err != nil {
			slot.Discard()
			return "", err
		}
		pair, err := c.refresh(ctx, now.Refresh)
		if err == nil {
			// Nothing may come between the answer and this.
			c.save(slot, now.Tokens, pair)
			return pair.Access, nil
		}
		slot.Discard()
		if !errors.As(err, &refused) || refused.Kind != Refused {
			return "", err
		}
		changed, err := c.changes(ctx, now.Tokens)
		if err != nil {
			return "", err
		}
		if !changed {
			return "", c.drop(held, refused)
		}
		seen.Tokens = now.Tokens
	}
	refused.Kind = Rejected // what the file holds now is not what was refused
	return "", refused
}

// secure makes sure that the lock is still one. Who freed it before us may be
// about to remove its name.
func (c *Client) secure(ctx context.Context, held *tokenfile.Held) error {
	pause := time.NewTimer(settle)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return c.interrupted(ctx, "the login was being refreshed")
	}
	if !held.Valid() {
		return errLostLock
	}
	return nil
}

// changes reports whether someone replaces the tokens that were refused. Who
// refreshed without the lock may have the answer and not yet have written it.
func (c *Client) changes(ctx context.Context, refused tokenfile.Tokens) (bool, error) {
	const pause = 20 * time.Millisecond
	for range int(refusalWait / pause) {
		now, err := c.read()
		if err != nil {
			return false, err
		}
		if now.Missing || now.Refresh != "" && now.Refresh != refused.Refresh {
			return true, nil
		}
		look := time.NewTimer(pause)
		select {
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return false, c.interrupted(ctx, "the login was being refreshed")
		}
	}
	return false, nil
}

// drop deletes a login that the issuer does not know any more.
func (c *Client) drop(held *tokenfile.Held, why *Error) error {
	if err := held.Remove(); err != nil {
		return storageError("delete the login that was refused", err)
	}
	return why
}
