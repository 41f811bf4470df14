package fal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

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
	once := func(ctx context.Context) (again bool, err error) {
		request, err := http.NewRequestWithContext(ctx, verb, u.String(), nil)
		if err != nil {
			return false, invalid(method, "%v", err)
		}
		request.Header.Set("Accept", "application/json")
		response, err := c.rest.Do(request)
		if err != nil {
			return restFailure(ctx, method, u, err)
		}
		defer response.Body.Close()
		if response.StatusCode/100 != 2 {
			e := restError(method, response)
			return e.Code == CodeUnavailable, e
		}
		if err := json.NewDecoder(response.Body).Decode(out); err != nil {
			if ctx.Err() != nil {
				return restFailure(ctx, method, u, err)
			}
			if cut(err) {
				return restFailure(ctx, method, u, err)
			}
			return false, &Error{Code: CodeUnavailable, Method: method, why: CauseProtocol, cause: err,
				Message: fmt.Sprintf("the server at %s answered with something that is not JSON", u.Host)}
		}
		return false, nil
	}
	return c.renewing(ctx, func(ctx context.Context) error {
		return transport.Repeat(ctx, func() (again bool, err error) { return once(ctx) })
	})
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

// restFailure is the error of a request that got no answer, and whether it is
// worth another attempt.
func restFailure(ctx context.Context, method string, u *url.URL, err error) (again bool, _ error) {
	if own := (*Error)(nil); errors.As(err, &own) {
		return false, own
	}
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		return false, &Error{Code: CodeDeadlineExceeded, Method: method, why: CauseTimeout, cause: cause, Message: CodeDeadlineExceeded.words()}
	case cause != nil:
		return false, &Error{Code: CodeCanceled, Method: method, cause: cause, Message: CodeCanceled.words()}
	}
	failure := transport.ClassifyHTTP(u, err)
	return !failure.Permanent, &Error{Code: CodeUnavailable, Method: method, Message: failure.Error(), why: causeOf(failure.Kind), cause: failure}
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
