package transport

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// An Event is one attempt of a call, as it may be shown: every secret was taken
// out of it before it was made.
type Event struct {
	// Method is the gRPC method without its slash and service, or the HTTP
	// method and path.
	Method string
	Target string
	Start  time.Time
	// Duration runs until the end of a call; for HTTP, until its headers.
	Duration time.Duration
	// Attempt counts from 1.
	Attempt int
	// Status is the name of the gRPC code ("OK", "Unavailable"), or the HTTP
	// status ("200"); empty if there was no HTTP answer.
	Status string
	// Error is what went wrong, empty if nothing did.
	Error             string
	Request, Response map[string][]string
	// Sent and Received are the sizes of the messages in bytes; -1: unknown.
	Sent, Received int64
}

// Redacted stands in the place of a secret.
const Redacted = "[redacted]"

type concealing struct {
	grpc.EmptyCallOption
	from func(text string) string
}

// Conceal is the option of a call whose request holds a secret: texts
// from the server are traced as from returns them.
func Conceal(from func(text string) string) grpc.CallOption { return concealing{from: from} }

func concealedBy(options []grpc.CallOption) func(string) string {
	for _, o := range options {
		if c, ok := o.(concealing); ok {
			return c.from
		}
	}
	return nil
}

func (c *Conn) report(method string, a *attempt, failed *CallError) {
	if c.trace == nil {
		return
	}
	a.mu.Lock()
	response := make(map[string][]string, len(a.header)+len(a.trailer))
	for _, md := range []map[string][]string{a.header, a.trailer} {
		for name, values := range md {
			response[name] = append(response[name], values...)
		}
	}
	secrets := secretValues(a.request)
	e := Event{
		Method:   method[strings.LastIndex(method, "/")+1:],
		Target:   c.target,
		Start:    a.started,
		Duration: time.Since(a.started),
		Attempt:  a.number,
		Status:   codes.OK.String(),
		Request:  redact(a.request, secrets),
		Response: redact(response, secrets),
		Sent:     int64(a.bytesOut),
		Received: int64(a.bytesIn),
	}
	a.mu.Unlock()
	if failed != nil {
		e.Status, e.Error = failed.Status.Code().String(), scrub(failed.Error(), secrets)
	}
	if a.conceal != nil {
		e.Error = a.conceal(e.Error)
		for _, values := range e.Response {
			for i := range values {
				values[i] = a.conceal(values[i])
			}
		}
	}
	c.trace(e)
}

// isSecretName reports whether what a header, metadata key or query parameter
// of this name holds must not be shown. Rather one too many than one too few.
func isSecretName(name string) bool {
	name = strings.ToLower(name)
	if name == "auth-key-id" {
		return false
	}
	for _, part := range []string{"auth", "key", "secret", "token", "cookie", "password", "signature", "credential", "session", "jwt"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// secretValues are the secrets among some headers: what must not be shown even
// where a server repeats it in another place.
func secretValues(headers map[string][]string) []string {
	var secrets []string
	for name, values := range headers {
		if !isSecretName(name) {
			continue
		}
		for _, value := range values {
			secrets = append(secrets, value)
			// "Bearer <token>", "Key <id>:<secret>", "Basic <credentials>"
			if _, credentials, ok := strings.Cut(value, " "); ok {
				secrets = append(secrets, credentials)
				if _, secret, ok := strings.Cut(credentials, ":"); ok {
					secrets = append(secrets, secret)
				}
			}
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return secrets
}

func scrub(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, Redacted)
	}
	return text
}

func redact(headers map[string][]string, secrets []string) map[string][]string {
	shown := make(map[string][]string, len(headers))
	for name, values := range headers {
		for _, value := range values {
			if isSecretName(name) {
				value = Redacted
			}
			shown[name] = append(shown[name], scrub(value, secrets))
		}
	}
	return shown
}

// redactURL is a URL's path and query without the values of secret parameters.
func redactURL(u *url.URL, secrets []string) string {
	shown := u.EscapedPath()
	if shown == "" {
		shown = "/"
	}
	if u.RawQuery != "" {
		query := u.Query()
		for name := range query {
			if isSecretName(name) {
				query[name] = []string{Redacted}
			}
		}
		shown += "?" + strings.ReplaceAll(query.Encode(), url.QueryEscape(Redacted), Redacted)
	}
	return scrub(shown, secrets)
}
