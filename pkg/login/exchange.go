package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/fal-plugins/fal/pkg/login/internal/tokenfile"
)

const maxAnswer = 1 << 20

// grant is the issuer as the oauth2 package knows it.
func (c *Client) grant() *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.endpoints.ClientID,
		Scopes:   []string{scope},
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: c.endpoints.DeviceCode,
			TokenURL:      c.endpoints.Token,
			// Not to be found out by trying: a refresh token is sent once.
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// exchange is the transport of what is asked of the issuer. Each request is
// given exchangeLimit, and its answer is read to the end before anyone else
// sees it.
type exchange struct {
	base http.RoundTripper
	// ctx, if there is one, takes the place of a request's own: the oauth2
	// package asks for a device code without.
	ctx  context.Context
	sent atomic.Bool // the request, or a part of it, may have left this machine

	answered atomic.Bool // a whole answer came, whatever it says
}

func (c *Client) exchange(ctx context.Context) (*exchange, context.Context) {
	base := c.http.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	x := &exchange{base: base}
	through := *c.http
	through.Transport = x
	return x, context.WithValue(ctx, oauth2.HTTPClient, &through)
}

func (x *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if x.ctx != nil {
		ctx = x.ctx
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeLimit)
	defer cancel()
	trace := &httptrace.ClientTrace{WroteHeaders: func() { x.sent.Store(true) }}
	response, err := x.base.RoundTrip(request.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return nil, err
	}
	x.sent.Store(true)
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errors.New("the answer is too large")
	}
	x.answered.Store(true)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// refresh asks for a new pair. The refresh token is used up by that, so that a
// request on its way is not given up at once when ctx ends, and one that broke
// on its way is made again: issuers honour the previous token for a
// moment.
func (c *Client) refresh(ctx context.Context, refreshToken string) (tokenfile.Tokens, error) {
	if ctx.Err() != nil {
		return tokenfile.Tokens{}, c.interrupted(ctx, "the login was being refreshed")
	}
	request, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeLimit)
	defer cancel()
	const attempts = 3
	for attempt := 1; ; attempt++ {
		pair, again, err := c.refreshOnce(ctx, request, cancel, refreshToken)
		if err == nil || !again || attempt == attempts || ctx.Err() != nil {
			return pair, err
		}
		pause := time.NewTimer(retryPause * time.Duration(attempt))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return pair, c.interrupted(ctx, "the login was being refreshed")
		case <-request.Done():
			pause.Stop()
			return pair, err
		}
	}
}

// refreshOnce makes one attempt. again says that the issuer may have done its
// part although no answer came.
func (c *Client) refreshOnce(ctx, request context.Context, cancel context.CancelFunc, refreshToken string) (pair tokenfile.Tokens, again bool, err error) {
	x, request := c.exchange(request)
	stop := context.AfterFunc(ctx, func() {
		if !x.sent.Load() {
			cancel()
			return
		}
		time.AfterFunc(answerGrace, cancel)
	})
	defer stop()
	token, err := c.grant().TokenSource(request, &oauth2.Token{RefreshToken: refreshToken}).Token()
	if err != nil {
		failed := c.failure(ctx, err)
		if failed, ok := failed.(*Error); ok {
			if failed.Reason == "invalid_grant" && failed.Kind == Rejected {
				failed.Kind = Refused
				failed.Message = c.endpoints.host() + " does not accept the login any more"
			}
			lost := x.sent.Load() && !x.answered.Load()
			again = failed.Kind == Network && (lost || failed.Status >= 500)
		}
		return pair, again, failed
	}
	pair, err = c.pair(token)
	return pair, false, err
}

// pair takes the tokens out of an answer.
func (c *Client) pair(token *oauth2.Token) (tokenfile.Tokens, error) {
	pair := tokenfile.Tokens{Refresh: token.RefreshToken, Access: token.AccessToken}
	if pair.Refresh == "" || !tokenfile.Printable(pair.Refresh) || !tokenfile.Printable(pair.Access) {
		return tokenfile.Tokens{}, &Error{Kind: Untrusted, Message: "the tokens that " + c.endpoints.host() + " sent are not usable"}
	}
	return pair, nil
}

// failure makes an error of what the oauth2 package returned. Only an OAuth
// error is the issuer's own word; everything else may have come from the way
// there.
func (c *Client) failure(ctx context.Context, err error) error {
	host := c.endpoints.host()
	var answer *oauth2.RetrieveError
	var transport *url.Error
	switch {
	case errors.As(err, &answer):
		return c.answered(answer.Response.StatusCode, answer.ErrorCode, answer.ErrorDescription)
	case ctx.Err() != nil:
		return c.interrupted(ctx, "no answer from "+host)
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Network, Message: "no answer from " + host + " in time", cause: err}
	case errors.As(err, &transport):
		return &Error{Kind: Network, Message: "cannot reach " + host + ": " + plain(transport.Err.Error()), cause: err}
	}
	return &Error{Kind: Network, Message: "what answered for " + host + " is not the issuer", cause: err}
}

// answered makes an error of an answer that was none to be happy with.
func (c *Client) answered(status int, code, description string) *Error {
	host := c.endpoints.host()
	e := &Error{Kind: Network, Status: status, Reason: plain(code)}
	switch {
	case status >= 500 || status == http.StatusTooManyRequests:
		e.Message = fmt.Sprintf("%s answered with HTTP status %d", host, status)
	case code == "":
		e.Message = fmt.Sprintf("what answered for %s with HTTP status %d is not the issuer", host, status)
	default:
		e.Kind = Rejected
		e.Message = fmt.Sprintf("%s refused: %s", host, plain(code))
		if description != "" {
			e.Message = fmt.Sprintf("%s refused: %s (%s)", host, plain(description), plain(code))
		}
	}
	return e
}

// interrupted is the error for a context that ended: its own when it was
// canceled, and one of the network when there was no more time.
func (c *Client) interrupted(ctx context.Context, what string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Kind: Network, Message: what + " in time", cause: ctx.Err()}
	}
	return ctx.Err()
}
