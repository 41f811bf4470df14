package login

import (
	"context"
	"errors"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/fal-plugins/fal/pkg/login/internal/tokenfile"
)

const (
	defaultCodeLife = 10 * time.Minute // when the issuer says nothing
	pollLongest     = 30               // seconds
)

// BeginParams are what is optional in [Client.Begin].
type BeginParams struct {
	// Connection is how to log in: "github", "google" or the domain of a
	// company's single sign-on. Empty leaves the choice to the page.
	Connection string
}

// Device is a login that waits for a person.
type Device struct {
	// UserCode is what the page shows; the person compares it.
	UserCode string
	// VerificationURI is the page that the code is confirmed on. It has the
	// code in it.
	VerificationURI string
	// BrowserURL leads to that page by way of the connection, or after ending
	// what session the browser has. This is what to open and to print.
	BrowserURL string
	// ExpiresAt is when the code ends.
	ExpiresAt time.Time

	connection string
	answer     oauth2.DeviceAuthResponse
}

// Begin asks the issuer for a code, after making sure that tokens could be
// stored. nil params mean the defaults.
func (c *Client) Begin(ctx context.Context, params *BeginParams) (*Device, error) {
	if c.verify == nil {
		return nil, &Error{Kind: Misconfigured, Message: "there is nothing to verify an id_token with"}
	}
	connection := ""
	if params != nil {
		connection = params.Connection
	}
	if !tokenfile.Printable(connection) {
		return nil, &Error{Kind: Misconfigured, Message: "a connection is a word such as github, or a domain"}
	}
	if err := c.rehearse(ctx); err != nil {
		return nil, err
	}
	x, asking := c.exchange(ctx)
	x.ctx = ctx
	answer, err := c.grant().DeviceAuth(asking, oauth2.SetAuthURLParam("audience", c.endpoints.Audience))
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	return c.device(answer, connection)
}

// rehearse proves that the login can be stored.
func (c *Client) rehearse(ctx context.Context) error {
	held, err := c.lock(ctx, nil)
	if err != nil {
		return err
	}
	defer held.Release()
	slot, err := held.Reserve()
	if err != nil {
		return storageError("save a login", err)
	}
	slot.Discard()
	return nil
}

func (c *Client) device(answer *oauth2.DeviceAuthResponse, connection string) (*Device, error) {
	page := answer.VerificationURIComplete
	if page == "" {
		page = answer.VerificationURI
	}
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !tokenfile.Printable(page) ||
		answer.DeviceCode == "" || answer.UserCode == "" || plain(answer.UserCode) != answer.UserCode {
		return nil, &Error{Kind: Network, Message: "what answered for " + c.endpoints.host() + " is not the issuer: no usable code"}
	}
	if answer.Expiry.IsZero() {
		answer.Expiry = time.Now().Add(defaultCodeLife)
	}
	if answer.Interval < 0 || answer.Interval > pollLongest {
		answer.Interval = pollLongest
	}
	return &Device{
		UserCode:        answer.UserCode,
		VerificationURI: page,
		BrowserURL:      c.browserURL(answer.UserCode, page, connection),
		ExpiresAt:       answer.Expiry,
		connection:      connection,
		answer:          *answer,
	}, nil
}

func (c *Client) browserURL(code, page, connection string) string {
	switch {
	case connection != "" && c.endpoints.SessionSeed != "":
		return c.endpoints.SessionSeed + "?" + url.Values{
			"user_code": {code}, "verification_uri_complete": {page}, "connection": {connection},
		}.Encode()
	case connection == "" && c.endpoints.Logout != "":
		return c.LogoutURL(page)
	}
	return page
}

// LogoutURL is the page that ends the browser's own session with the issuer
// and goes on to returnTo; "" when the issuer has none.
func (c *Client) LogoutURL(returnTo string) string {
	if c.endpoints.Logout == "" {
		return ""
	}
	return c.endpoints.Logout + "?" + url.Values{"client_id": {c.endpoints.ClientID}, "returnTo": {returnTo}}.Encode()
}

// Wait waits until the person confirmed the code, verifies the id_token and
// stores the tokens in place of those that are there. It ends with [Denied] or
// [Expired] when nothing comes of it. While the issuer cannot be reached it
// tries on, at growing intervals, as long as the code lives.
func (c *Client) Wait(ctx context.Context, device *Device) error {
	if c.verify == nil {
		return &Error{Kind: Misconfigured, Message: "there is nothing to verify an id_token with"}
	}
	token, err := c.poll(ctx, device.answer)
	if err != nil {
		return err
	}
	pair, err := c.pair(token)
	if err != nil {
		return err
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return &Error{Kind: Untrusted, Message: c.endpoints.host() + " sent no id_token"}
	}
	err = c.verify(ctx, raw, Expected{
		Issuer: c.endpoints.Issuer, ClientID: c.endpoints.ClientID, JWKS: c.endpoints.JWKS, HTTPClient: c.http, Now: c.now,
	})
	if err != nil {
		return err
	}
	return c.store(ctx, pair, device.connection)
}

func (c *Client) poll(ctx context.Context, answer oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	if answer.Interval == 0 {
		answer.Interval = 5
	}
	var unreached error
	for {
		_, asking := c.exchange(ctx)
		token, err := c.grant().DeviceAccessToken(asking, &answer)
		if err == nil {
			return token, nil
		}
		if !time.Now().Before(answer.Expiry) && ctx.Err() == nil && !said(err) {
			if unreached != nil {
				return nil, unreached
			}
			return nil, expired()
		}
		failed := c.failure(ctx, err)
		var e *Error
		if !errors.As(failed, &e) || ctx.Err() != nil {
			return nil, failed
		}
		switch e.Reason {
		case "access_denied":
			return nil, &Error{Kind: Denied, Message: "the login was denied", Reason: e.Reason, Status: e.Status}
		case "expired_token", "invalid_grant":
			return nil, expired()
		}
		if e.Kind != Network {
			return nil, failed
		}
		if unreached == nil {
			c.notice(e.Message + "; trying on")
		}
		unreached = failed
		answer.Interval = min(2*answer.Interval, pollLongest)
	}
}

// said reports whether err is an OAuth error.
func said(err error) bool {
	var answer *oauth2.RetrieveError
	return errors.As(err, &answer) && answer.ErrorCode != ""
}

func expired() *Error {
	return &Error{Kind: Expired, Message: "the code expired before anyone confirmed it"}
}

// store writes a new login.
func (c *Client) store(ctx context.Context, pair tokenfile.Tokens, connection string) error {
	held, err := c.lock(ctx, nil)
	if err != nil {
		return err
	}
	defer held.Release()
	slot, err := held.Reserve()
	if err != nil {
		return storageError("save the login", err)
	}
	if err := slot.Commit(pair); err != nil {
		return storageError("save the login", err)
	}
	if connection != "" {
		if err := c.folder.SetConnection(connection); err != nil {
			c.notice("the connection could not be remembered: " + plain(err.Error()))
		}
	}
	return nil
}
