package controlplane

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func post(t testing.TB, s *Server, path string, query url.Values) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+path+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+s.Credentials().Key())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", path, response.Status)
	}
	return response
}

// followed reads a stream to its end and returns its messages and the last
// event.
func followed(body io.Reader) (messages []string, last string, err error) {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		field, value, _ := strings.Cut(scanner.Text(), ": ")
		switch {
		case field == "event":
			last = value
		case field == "data" && last == "":
			var line restwire.Log
			if err := json.Unmarshal([]byte(value), &line); err != nil {
				return messages, last, fmt.Errorf("%q: %w", value, err)
			}
			messages = append(messages, line.Message)
		case field == "data":
			last += ": " + value
		}
	}
	return messages, last, scanner.Err()
}

// TestFollowersCostARunnerNothing has a runner write fast while one follower
// reads and another does not.
func TestFollowersCostARunnerNothing(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	query := url.Values{restwire.ParamJobID: {r.ID}}
	reading := post(t, s, "/logs/stream", query)
	idle := post(t, s, "/logs/stream", query)
	const n = 50_000 // of 300 bytes: more than any socket buffer holds
	type outcome struct {
		messages []string
		last     string
		err      error
	}
	read := make(chan outcome, 1)
	go func() {
		messages, last, err := followed(reading.Body)
		read <- outcome{messages, last, err}
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://runner/print?lines="+strconv.Itoa(n), nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	response, err := s.Send(t.Context(), "web", "print", request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("print: %s", response.Status)
	}
	t.Logf("%d lines a second", int(n/time.Since(begin).Seconds()))
	stopRunner(t, dial(t, s, s.Credentials()), r.ID, false)
	awaitState(t, s, r.ID, state.Terminated)
	check := func(who string, o outcome) {
		t.Helper()
		if o.err != nil {
			t.Fatalf("%s: %v", who, o.err)
		}
		next := 0
		for _, message := range o.messages {
			if number, _, padded := strings.Cut(message, " ..."); padded {
				if number != strconv.Itoa(next) {
					t.Fatalf("%s: line %d is %q", who, next, number)
				}
				next++
			}
		}
		newest := o.messages[len(o.messages)-1]
		if next != n || o.last != restwire.StreamEnd+": "+restwire.EndedRunner || !strings.HasPrefix(newest, "TERMINATED") {
			t.Errorf("%s: %d lines, want %d; the last %q, then %q", who, next, n, newest, o.last)
		}
	}
	check("the follower that reads", <-read)
	messages, last, err := followed(idle.Body)
	check("the follower that did not", outcome{messages, last, err})
}

func TestSampleLogsOverREST(t *testing.T) {
	s := start(t, Options{})
	if _, err := s.StartSample(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := awaitUp(t, s, "sample", 3)[0]
	await(t, "the sample's first line in its history", func() bool {
		var page restwire.LogPage
		response := post(t, s, "/logs/history", url.Values{restwire.ParamJobID: {r.ID}, restwire.ParamSearch: {"MSG=started"}})
		if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
			t.Fatal(err)
		}
		return len(page.Items) == 1 && page.Items[0].App == "sample" && page.Items[0].Level == "STDOUT"
	})
}

// TestCloseEndsStreams holds that neither a follower that waits nor one that
// does not read keeps the control plane from ending.
func TestCloseEndsStreams(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	query := url.Values{restwire.ParamJobID: {r.ID}}
	waiting := post(t, s, "/logs/stream", query)
	post(t, s, "/logs/stream", query)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://runner/print?lines=50000", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Send(t.Context(), "web", "print", request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	type ending struct {
		last string
		err  error
	}
	read := make(chan ending, 1)
	go func() {
		_, last, err := followed(waiting.Body)
		read <- ending{last, err}
	}()
	stop(t, s)
	// A busy machine may not get around to saying why within the second.
	if e := <-read; e.err == nil && e.last != restwire.StreamStop+": the control plane is stopping" {
		t.Errorf("the last event is %q", e.last)
	}
}
