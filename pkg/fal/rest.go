package fal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// longestError bounds how much of an error's body is read, in bytes.
const longestError = 64 << 10

// get reads a JSON document from the REST side. Reading is repeatable, and is
// repeated like a repeatable gRPC call.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.read(ctx, http.MethodGet, path, query, out)
}

// read is get for calls that only read and are POST all the same.
func (c *Client) read(ctx context.Context, verb, path string, query url.Values, out any) error {
	u, method := c.restCall(verb, path, query)
	call := &restRequest{verb: verb, url: u, method: method, out: out}
	return c.renewing(ctx, func(ctx context.Context) error {
		return transport.Repeat(ctx, func() (again bool, err error) {
			failure, err := call.once(ctx, c.rest)
			return failure == unavailable, err
		})
	})
}

// A restRequest is one call of the REST side, which may be made several times.
type restRequest struct {
	verb   string
	url    *url.URL
	method string // in errors
	header map[string]string
	// body, if not nil, opens what is sent, and tells how many bytes it has.
	body func() (io.ReadCloser, int64, error)
	// out, if not nil, is what the answer is read into, as JSON.
	out any
	// answered, if not nil, is given the headers of an answer of success.
	answered func(http.Header)
	// wait is how long the server asked to wait, if it limits; -1: it did not say.
	wait time.Duration
}

// jsonBody is a body of JSON.
func jsonBody(v any) (func() (io.ReadCloser, int64, error), error) {
	data, err := json.Marshal(v)
	return func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
	}, err
}

// How an attempt failed.
type restFailed int

const (
	refused     restFailed = iota // another attempt will not help
	unavailable                   // no answer, or a gateway's
	broken                        // the server failed at it
	limited                       // too many requests
)

// once makes the call, and tells how it failed.
func (call *restRequest) once(ctx context.Context, client *http.Client) (restFailed, error) {
	request, err := call.request(ctx)
	if err != nil {
		return refused, err
	}
	response, err := client.Do(request)
	if err != nil {
		return restFailure(ctx, call.method, call.url, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		e := restError(call.method, response)
		call.wait = retryAfter(response.Header)
		switch {
		case response.StatusCode == http.StatusTooManyRequests:
			return limited, e
		case e.Code == CodeUnavailable:
			return unavailable, e
		case response.StatusCode >= http.StatusInternalServerError && e.Code != CodeUnimplemented:
			return broken, e
		}
		return refused, e
	}
	if call.out != nil {
		if err := json.NewDecoder(response.Body).Decode(call.out); err != nil {
			if ctx.Err() != nil || cut(err) {
				return restFailure(ctx, call.method, call.url, err)
			}
			return refused, &Error{Code: CodeUnavailable, Method: call.method, why: CauseProtocol, cause: err,
				Message: fmt.Sprintf("the server at %s answered with something that is not JSON", call.url.Host)}
		}
	}
	if call.answered != nil {
		call.answered(response.Header)
	}
	if call.body != nil {
		// Of many calls each would make its own connection otherwise.
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, longestError))
	}
	return refused, nil
}

func (call *restRequest) request(ctx context.Context) (*http.Request, error) {
	var body io.ReadCloser
	var size int64
	if call.body != nil {
		var err error
		if body, size, err = call.body(); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, call.verb, call.url.String(), nil)
	if err != nil {
		closeQuietly(body)
		return nil, invalid(call.method, "the URL of the call is none")
	}
	if body != nil {
		request.Body, request.ContentLength = body, size
		if size == 0 {
			closeQuietly(body)
			request.Body = http.NoBody // or it would go in chunks
		}
		request.GetBody = func() (io.ReadCloser, error) {
			again, _, err := call.body()
			return again, err
		}
	}
	if call.out != nil {
		request.Header.Set("Accept", "application/json")
	}
	for name, value := range call.header {
		request.Header.Set(name, value)
	}
	return request, nil
}

// closeQuietly closes what was only read, and may be nil.
func closeQuietly(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}

// retryAfter is how long a server wants us to wait; -1 if it does not say.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return -1
}

// restCall is the URL of a call, and its name in errors.
func (c *Client) restCall(verb, path string, query url.Values) (*url.URL, string) {
	u := c.restURL.JoinPath(path)
	u.RawQuery = query.Encode()
	return u, verb + " /" + path
}

// cut reports whether reading a body failed because the connection ended, and
// not because of what the body holds.
func cut(err error) bool {
	var network net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

// restFailure is the error of a request that got no answer, and whether another
// attempt may help.
func restFailure(ctx context.Context, method string, u *url.URL, err error) (restFailed, error) {
	if own := (*Error)(nil); errors.As(err, &own) {
		return refused, own
	}
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		return refused, &Error{Code: CodeDeadlineExceeded, Method: method, why: CauseTimeout, cause: cause, Message: CodeDeadlineExceeded.words()}
	case cause != nil:
		return refused, &Error{Code: CodeCanceled, Method: method, cause: cause, Message: CodeCanceled.words()}
	}
	failure := transport.ClassifyHTTP(u, err)
	again := unavailable
	if failure.Permanent {
		again = refused
	}
	return again, &Error{Code: CodeUnavailable, Method: method, Message: failure.Error(), why: causeOf(failure.Kind), cause: failure}
}

// restError makes an *Error of an answer that is none of success.
func restError(method string, response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, longestError)) // what could be read may be enough
	e := &Error{
		Code:      codeOfStatus(response.StatusCode),
		Method:    method,
		Message:   detail(body),
		RequestID: requestID(lowerNames(response.Header), nil),
	}
	if e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(response.StatusCode))
	}
	return e
}

func lowerNames(header http.Header) map[string][]string {
	lower := make(map[string][]string, len(header))
	for name, values := range header {
		lower[strings.ToLower(name)] = values
	}
	return lower
}

func codeOfStatus(status int) Code {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return CodeInvalidArgument
	case http.StatusUnauthorized:
		return CodeUnauthenticated
	case http.StatusForbidden:
		return CodePermissionDenied
	case http.StatusNotFound:
		return CodeNotFound
	case http.StatusConflict:
		return CodeAlreadyExists
	case http.StatusTooManyRequests:
		return CodeResourceExhausted
	case http.StatusNotImplemented:
		return CodeUnimplemented
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return CodeUnavailable
	case http.StatusInternalServerError:
		return CodeInternal
	}
	if status >= http.StatusInternalServerError {
		return CodeUnavailable // a proxy's own, such as 520
	}
	return CodeUnknown
}

// detail is what an error's body says: the text of `detail`, or the messages
// of a list of problems with their places, or the body if it is plain text.
func detail(body []byte) string {
	var answer struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Detail) == 0 {
		text := strings.TrimSpace(string(body))
		if strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") {
			return "" // a page of a proxy, or JSON that is not ours
		}
		return text
	}
	var text string
	if json.Unmarshal(answer.Detail, &text) == nil {
		return text
	}
	var problems []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(answer.Detail, &problems) != nil {
		return string(answer.Detail)
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		places := make([]string, len(p.Loc))
		for j, place := range p.Loc {
			places[j] = fmt.Sprint(place)
		}
		lines[i] = strings.TrimPrefix(strings.Join(places, ".")+": ", ": ") + p.Msg
	}
	return strings.Join(lines, "; ")
}
