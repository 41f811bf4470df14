package fal

import (
	"context"
	"fmt"
	"log/slog"
)

// Credentials are a [Key], what [Login] returns, or [Anonymous].
type Credentials interface {
	// metadata authenticates a gRPC call, header an HTTP request. account is
	// the user id of the account to act as, empty for the login's own.
	metadata(ctx context.Context, account string) (map[string]string, error)
	header(ctx context.Context, account string) (map[string]string, error)
}

// A Key is an API key, written <ID>:<Secret> where both halves are together.
// It decides the account by itself. Printed, logged or encoded it does not show
// the secret; only where it lies in an unexported field of another struct, fmt
// does not ask it: print no such struct.
type Key struct{ ID, Secret string }

// String shows the ID alone.
func (k Key) String() string { return k.ID + ":[redacted]" }

// GoString shows the ID alone.
func (k Key) GoString() string { return fmt.Sprintf("fal.Key{ID: %q}", k.ID) }

// Format shows the ID alone, whatever the verb.
func (k Key) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		_, _ = fmt.Fprint(f, k.GoString())
		return
	}
	_, _ = fmt.Fprint(f, k.String())
}

// LogValue shows the ID alone.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText shows the ID alone, so that no encoder writes the secret.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k Key) metadata(context.Context, string) (map[string]string, error) {
	return map[string]string{"auth-key-id": k.ID, "auth-key": k.Secret}, nil
}

func (k Key) header(context.Context, string) (map[string]string, error) {
	return map[string]string{"Authorization": "Key " + k.ID + ":" + k.Secret}, nil
}

// A TokenSource gives the access token of a login. It is asked before every
// attempt of every call, possibly by several goroutines at once, and keeps,
// refreshes and stores tokens as it likes. An error of it that is or wraps an
// *[Error] is returned as it is, any other as [ErrUnauthenticated] with itself
// as the cause. It may be a [TokenRenewer] as well.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// Login are the credentials of a person who logged in.
func Login(source TokenSource) Credentials { return login{source} }

type login struct{ source TokenSource }

func (l login) metadata(ctx context.Context, account string) (map[string]string, error) {
	token, err := l.source.Token(ctx)
	if err != nil {
		return nil, err
	}
	give(ctx, token)
	pairs := map[string]string{"authorization": "Bearer " + token}
	if account != "" {
		pairs["fal-user-id"] = account
	}
	return pairs, nil
}

func (l login) header(ctx context.Context, account string) (map[string]string, error) {
	token, err := l.source.Token(ctx)
	if err != nil {
		return nil, err
	}
	give(ctx, token)
	pairs := map[string]string{"Authorization": "Bearer " + token}
	if account != "" {
		pairs["X-Fal-User-Id"] = account
	}
	return pairs, nil
}

// Anonymous are no credentials: nothing is sent in their place.
const Anonymous anonymous = "anonymous"

type anonymous string

func (anonymous) metadata(context.Context, string) (map[string]string, error) { return nil, nil }

func (anonymous) header(context.Context, string) (map[string]string, error) { return nil, nil }
