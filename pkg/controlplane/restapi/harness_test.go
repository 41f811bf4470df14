package restapi

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what is waited for; a busy machine needs some.
const patience = 60 * time.Second

// service is a state behind the API on a loopback port.
type service struct {
	*state.State
	t      testing.TB
	url    string
	client *http.Client
	caller state.Caller
	key    string
	other  string // the key of another account
}

func serve(t testing.TB, so state.Options, o Options) *service {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(ctx, db, so)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(st, o))
	s := &service{State: st, t: t, url: server.URL, client: server.Client()}
	t.Cleanup(func() {
		st.Refuse()
		server.Close()
		st.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	account := func(nickname string) string {
		_, key, err := st.CreateAccount(ctx, nickname, "Somebody")
		if err != nil {
			t.Fatal(err)
		}
		return key.ID + ":" + key.Secret
	}
	s.key, s.other = account("me"), account("stranger")
	id, secret, _ := strings.Cut(s.key, ":")
	if s.caller, err = st.Authenticate(id, secret); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *service) do(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// runner creates one that is up.
func (s *service) runner(spec state.AppSpec) *state.Runner {
	s.t.Helper()
	ctx := context.Background()
	spec.Argv = []string{"web"}
	app, err := s.RegisterApp(ctx, spec)
	s.do(err)
	r, err := s.CreateRunner(ctx, app, "", "test")
	s.do(err)
	s.do(s.Launched(ctx, r.ID, 42, "identity", 4242))
	s.do(s.Ready(ctx, r.ID))
	return r
}

func (s *service) request(method, path string, query url.Values, header http.Header) *http.Response {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path+"?"+query.Encode(), nil)
	s.do(err)
	request.Header.Set("Authorization", "Key "+s.key)
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := s.client.Do(request)
	s.do(err)
	return response
}

func (s *service) get(method, path string, query url.Values, body any) {
	s.t.Helper()
	response := s.request(method, path, query, nil)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	s.do(err)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
		s.t.Fatalf("%s %s: %s %s", method, path, response.Status, content)
	}
	s.do(json.Unmarshal(content, body))
}

func (s *service) history(query url.Values) restwire.LogPage {
	s.t.Helper()
	var page restwire.LogPage
	s.get(http.MethodPost, "/logs/history", query, &page)
	if page.Items == nil {
		s.t.Fatal("items is null")
	}
	return page
}

// stream is an open stream of events.
type stream struct {
	t        testing.TB
	response *http.Response
	lines    *bufio.Reader
}

type event struct {
	id, name, data string
	comment        string // of a comment alone
}

func (s *service) stream(query url.Values, header http.Header) *stream {
	s.t.Helper()
	response := s.request(http.MethodPost, "/logs/stream", query, header)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		content, err := io.ReadAll(response.Body)
		s.t.Fatalf("%s %s %v", response.Status, content, err)
	}
	st := &stream{t: s.t, response: response, lines: bufio.NewReader(response.Body)}
	s.t.Cleanup(st.close)
	return st
}

func (st *stream) close() { st.response.Body.Close() }

// read returns the next event or comment, or how the stream broke.
func (st *stream) read() (e event, err error) {
	for {
		line, err := st.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return e, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			e.comment = value
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data += value
		default:
			st.t.Errorf("unknown field in %q", line)
		}
	}
}

// next returns the next log, "end" or "error".
func (st *stream) next() (e event, log restwire.Log) {
	st.t.Helper()
	for {
		e, err := st.read()
		if err != nil {
			st.t.Fatalf("the stream breaks: %v", err)
		}
		if e.comment != "" {
			continue
		}
		if e.name == "" {
			if err := json.Unmarshal([]byte(e.data), &log); err != nil {
				st.t.Fatalf("%q: %v", e.data, err)
			}
			if e.id == "" || e.id != log.Timestamp {
				st.t.Fatalf("event %q of the line of %q", e.id, log.Timestamp)
			}
		}
		return e, log
	}
}

// rest reads to the end of the stream and returns the messages of the lines and
// the last event.
func (st *stream) rest() (messages []string, last event) {
	st.t.Helper()
	for {
		e, log := st.next()
		if e.name == "" {
			messages = append(messages, log.Message)
			continue
		}
		if extra, err := st.read(); err != io.EOF {
			st.t.Fatalf("after %+v comes %+v, %v", e, extra, err)
		}
		return messages, e
	}
}
