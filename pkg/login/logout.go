package login

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fal-plugins/fal/pkg/login/internal/tokenfile"
)

// Logout revokes the login with the issuer and deletes it here. When the
// issuer cannot be reached the login is kept; see [Client.Forget]. Without a
// login the error is [NotLoggedIn].
func (c *Client) Logout(ctx context.Context) error {
	return c.remove(ctx, func(found tokenfile.Contents) error {
		if err := c.own(found); err != nil {
			return err
		}
		return c.revoke(ctx, found.Refresh)
	})
}

// Forget deletes the login without asking the issuer, with which it stays
// valid. Without a login the error is [NotLoggedIn].
func (c *Client) Forget(ctx context.Context) error {
	return c.remove(ctx, func(tokenfile.Contents) error { return nil })
}

func (c *Client) remove(ctx context.Context, first func(tokenfile.Contents) error) error {
	if seen, err := c.read(); err != nil {
		return err
	} else if seen.Missing {
		return notLoggedIn()
	}
	held, err := c.lock(ctx, nil)
	if err != nil {
		return err
	}
	defer held.Release()
	found, err := c.read()
	if err != nil {
		return err
	}
	if found.Refresh != "" {
		if err := first(found); err != nil {
			return err
		}
	}
	if err := held.Remove(); err != nil {
		return storageError("delete the login", err)
	}
	if found.Refresh == "" { // a file without one is no login, and in the way
		return notLoggedIn()
	}
	return nil
}

// revoke tells the issuer that the login is over. One that it does not know is
// over already.
func (c *Client) revoke(ctx context.Context, refreshToken string) error {
	x, _ := c.exchange(ctx)
	through := *c.http
	through.Transport = x
	form := url.Values{"client_id": {c.endpoints.ClientID}, "token": {refreshToken}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoints.Revoke, strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Kind: Misconfigured, Message: plain(err.Error()), cause: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := through.Do(request)
	if err != nil {
		return c.failure(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return c.failure(ctx, err)
	}
	if response.StatusCode/100 == 2 && confirms(body) {
		return nil
	}
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil {
		answer.Code, answer.Description = "", "" // no OAuth error: the status has to do
	}
	failed := c.answered(response.StatusCode, answer.Code, answer.Description)
	if failed.Kind == Rejected && (failed.Reason == "invalid_grant" || failed.Reason == "invalid_token") {
		return nil
	}
	return failed
}

// confirms reports whether the body of an answer of success may be the
// issuer's: nothing, or JSON that is no error. A page is of whoever stands in
// between.
func confirms(body []byte) bool {
	var answer struct {
		Code string `json:"error"`
	}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return true
	case body[0] == '{':
		return json.Unmarshal(body, &answer) == nil && answer.Code == ""
	}
	return json.Valid(body)
}
