package gateway

import (
	"context"
	"errors"
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
	p := &passage{id: id, acquire: g.acquirer(app, id, state.Caller{Account: state.Account{ID: app.Account, UserID: user}})}
	var err error
	if p.runner, p.release, err = p.acquire(ctx, ""); err != nil {
		return nil, err
	}
	r = r.Clone(context.WithValue(ctx, passageKey{}, p))
	r.URL.Scheme = "http"
	if id != "" {
		r.Header.Set(RequestID, id)
	}
	response, err := g.deliver.RoundTrip(r)
	if err != nil {
		p.release()
		return nil, err
	}
	response.Body = &leasedBody{ReadCloser: response.Body, request: r.Body, release: p.release}
	return response, nil
}

// leasedBody ends the lease of a request when its response was read.
type leasedBody struct {
	io.ReadCloser
	request io.ReadCloser
	once    sync.Once
	release func()
}

func (b *leasedBody) Close() error {
	defer b.once.Do(b.release)
	err := b.ReadCloser.Close()
	if b.request != nil {
		err = errors.Join(err, b.request.Close())
	}
	return err
}
