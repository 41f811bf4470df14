// Package login keeps a person logged in: it runs the device flow of OAuth 2.0
// (RFC 8628), stores the tokens and refreshes them.
//
//	c, err := login.New(login.Options{Dir: dir, VerifyIDToken: idtoken.Verify})
//	device, err := c.Begin(ctx, nil)
//	fmt.Println("open", device.BrowserURL, "and compare", device.UserCode)
//	err = c.Wait(ctx, device)
//	…
//	client, err := fal.New(fal.Options{Credentials: fal.Login(c)})
//
// The files are those of the official Python client, and so is the lock that
// is held around reading, refreshing and writing them: who is logged in with
// one client is logged in with the other.
//
// # Guarantees
//
//   - Of any number of processes of this package and the official client that
//     meet an expired token at once, one refreshes it.
//   - A fresh access token costs reading a file.
//   - Only the issuer's own word, invalid_grant, ends a login, and only after
//     looking whether another program has refreshed it meanwhile without the
//     lock. A network that fails, a proxy that answers in the issuer's place, an
//     issuer that is down: each is an error of the kind [Network], and the login
//     stays.
//   - The file is replaced as a whole or not at all. That it can be written is
//     proved before the issuer is asked.
//   - Tokens are sent to the addresses of [Endpoints] alone; no redirect is
//     followed. A login of the service is not sent to another issuer, nor one
//     that Options.Admit refuses.
//
// # What cannot be guaranteed
//
// Refreshing uses up the refresh token. If the process is killed, or the power
// fails, after the issuer answered and before the file was replaced, the new
// one is lost. Issuers honour the previous one for some seconds against this;
// the next refresh within that time repairs it. After it the login is over.
// A request that is on its way when the context ends is given another second
// for the same reason.
package login
