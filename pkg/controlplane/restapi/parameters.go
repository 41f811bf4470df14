package restapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// maxPage is how many lines a page of logs has at most, and without page_size.
const maxPage = 1000

// parameters reads a request's parameters and remembers what is wrong with
// them.
type parameters struct {
	query  url.Values
	header http.Header
	wrong  []restwire.InvalidField
}

func parametersOf(request *http.Request) *parameters {
	p := &parameters{header: request.Header}
	var err error
	if p.query, err = url.ParseQuery(request.URL.RawQuery); err != nil {
		p.refuse("query_parsing", "the query is malformed: "+err.Error(), "query")
	}
	return p
}

func (p *parameters) refuse(kind, message string, loc ...string) {
	p.wrong = append(p.wrong, restwire.InvalidField{Loc: loc, Msg: message, Type: kind})
}

// err returns everything that was wrong.
func (p *parameters) err() error {
	if len(p.wrong) == 0 {
		return nil
	}
	return &invalidRequest{fields: p.wrong}
}

func (p *parameters) text(name string) string {
	text := p.query.Get(name)
	if !utf8.ValidString(text) {
		p.refuse("string_unicode", "Input should be UTF-8", "query", name)
	}
	return text
}

func (p *parameters) required(name string) string {
	text := p.text(name)
	if text == "" {
		p.refuse("missing", "Field required", "query", name)
	}
	return text
}

func (p *parameters) number(name string, least, most, otherwise int) int {
	if !p.query.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(p.query.Get(name))
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		p.refuse("int_parsing", "Input should be an integer", "query", name)
	case n < least:
		p.refuse("greater_than_equal", fmt.Sprintf("Input should be at least %d", least), "query", name)
	case n > most:
		p.refuse("less_than_equal", fmt.Sprintf("Input should be at most %d", most), "query", name)
	}
	return n
}

// moment is zero when the parameter is not there.
func (p *parameters) moment(name string) time.Time {
	if !p.query.Has(name) {
		return time.Time{}
	}
	text := p.query.Get(name)
	at, err := parseMoment(text)
	if err != nil {
		message := "Input should be an ISO 8601 time with its offset from UTC, such as 2026-11-21T18:30:00.000000+00:00"
		if strings.Contains(text, " ") {
			message += "; a plus sign is written %2B in a query"
		}
		p.refuse("datetime_parsing", message, "query", name)
	}
	return at
}

// afterEvent is the first moment after the event that a client saw last; zero
// when it saw none.
func (p *parameters) afterEvent() time.Time {
	const name = "Last-Event-ID"
	id := p.header.Get(name)
	if id == "" {
		return time.Time{}
	}
	at, err := parseMoment(id)
	if err != nil {
		p.refuse("datetime_parsing", "Input should be the id of an event of this stream", "header", strings.ToLower(name))
		return at
	}
	return at.Add(time.Microsecond)
}

// parseMoment returns the first whole microsecond that is not before the
// moment: for since, and for until which is left out itself, that changes
// nothing. Nothing happened before 1970.
func parseMoment(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, err
	}
	at = at.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
	if epoch := time.UnixMicro(0).UTC(); at.Before(epoch) {
		at = epoch
	}
	return at, nil
}

// invalidRequest is a failure whose answer is a restwire.InvalidRequest.
type invalidRequest struct{ fields []restwire.InvalidField }

func (e *invalidRequest) Error() string {
	var b strings.Builder
	for i, field := range e.fields {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", strings.Join(field.Loc, "."), field.Msg)
	}
	return b.String()
}

// invalidParameter is err as the fault of a parameter, if state finds it
// malformed.
func invalidParameter(err error, loc ...string) error {
	var failure *state.Error
	if errors.As(err, &failure) && failure.Kind == state.Invalid {
		return &invalidRequest{fields: []restwire.InvalidField{{Loc: loc, Msg: failure.Message, Type: "value_error"}}}
	}
	return err
}
