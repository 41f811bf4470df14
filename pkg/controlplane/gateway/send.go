package gateway

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// Send has a runner of an app answer a request of the user, as if it had come to
// the gateway and been let in; its path is the app's own, and request_timeout is
// left to ctx. The request is in flight until the body of the response is closed.
// Host and scheme of its URL are ignored.
func (g *Gateway) Send(ctx context.Context, app *state.App, id, user string, r *http.Request) (*http.Response, error) {
	runner, release, err := g.acquire(ctx, app, id, user)
	if err != nil {
		return nil, err
	}
	r = r.Clone(ctx)
	r.URL.Scheme = "http"
	r.URL.Host = (&passage{runner: runner}).host()
	if id != "" {
		r.Header.Set(RequestID, id)
	}
	response, err := g.transport.RoundTrip(r)
	if err != nil {
		release()
		return nil, err
	}
	response.Body = &leasedBody{ReadCloser: response.Body, release: release}
	return response, nil
}

// leasedBody ends the lease of a request when its response was read.
type leasedBody struct {
	io.ReadCloser
	once    sync.Once
	release func()
}

func (b *leasedBody) Close() error {
	defer b.once.Do(b.release)
	return b.ReadCloser.Close()
}
