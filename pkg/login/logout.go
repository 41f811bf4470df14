package login

import (
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
	if found.Missing {
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
	if response.StatusCode/100 == 2 {
		return nil
	}
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(body, &answer) != nil {
		answer.Code, answer.Description = "", "" // no OAuth error: the status has to do
	}
	failed := c.answered(response.StatusCode, answer.Code, answer.Description)
	if failed.Kind == Rejected && (failed.Reason == "invalid_grant" || failed.Reason == "invalid_token") {
		return nil
	}
	return failed
}

// Discard drops an access token that the service did not accept although it
// has time to live, so that [Client.Token] gets another one. When the file
// holds a different one by now, nothing is done.
func (c *Client) Discard(ctx context.Context, access string) error {
	if seen, err := c.read(); err != nil || access == "" || seen.Access != access {
		return err
	}
	held, err := c.lock(ctx, nil)
	if err != nil {
		return err
	}
	defer held.Release()
	found, err := c.read()
	if err != nil || found.Access != access {
		return err
	}
	slot, err := held.Reserve()
	if err != nil {
		return storageError("save the login", err)
	}
	if err := slot.Commit(tokenfile.Tokens{Refresh: found.Refresh}); err != nil {
		return storageError("save the login", err)
	}
	return nil
}
