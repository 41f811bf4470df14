package restapi

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// numbered checks that messages are the numbers from first on, without a gap or
// a duplicate, and returns the one that would come next.
func numbered(t testing.TB, messages []string, first int) int {
	t.Helper()
	for i, message := range messages {
		if message != strconv.Itoa(first+i) {
			t.Fatalf("line %d is %q, want %d", i, message, first+i)
		}
	}
	return first + len(messages)
}

func withoutLife(messages []string) []string {
	return slices.DeleteFunc(messages, func(m string) bool { return strings.Contains(m, ": ") })
}

// TestStreamsJoinWhatIsStoredAndWhatComes opens streams while lines are being
// written, cuts them, resumes them, and holds that each follower saw every line
// once and in order.
func TestStreamsJoinWhatIsStoredAndWhatComes(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	const n, followers = 20_000, 6
	var wait sync.WaitGroup
	for k := range followers {
		wait.Go(func() {
			time.Sleep(time.Duration(k) * 20 * time.Millisecond) // anywhere in the writing will do
			var messages []string
			header := http.Header{}
			for cut := 500 * (k + 1); ; cut *= 3 {
				st := s.stream(job(r, "since", "2026-01-01T00:00:00Z"), header)
				for len(messages) < cut {
					e, log := st.next()
					if e.name != "" {
						if e.name != restwire.StreamEnd || e.data != restwire.EndedRunner {
							t.Errorf("the last event is %+v", e)
						}
						if got := numbered(t, withoutLife(messages), 0); got != n {
							t.Errorf("follower %d saw %d lines, want %d", k, got, n)
						}
						if extra, err := st.read(); err != io.EOF {
							t.Errorf("after the end comes %+v, %v", extra, err)
						}
						return
					}
					messages = append(messages, log.Message)
					header.Set("Last-Event-ID", e.id)
				}
				st.close()
			}
		})
	}
	for i := range n {
		s.Log(r, time.Now(), state.SourceStdout, strconv.Itoa(i))
		if i%100 == 0 {
			time.Sleep(time.Millisecond) // so that the writing takes a while
		}
	}
	s.do(s.Ended(context.Background(), r.ID, "test"))
	wait.Wait()
}

func TestStreamBegins(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	const n = 2500
	all := written(s, r, n) // newest first
	s.do(s.Ended(t.Context(), r.ID, "test"))
	for name, test := range map[string]struct {
		since, until, last int // indices into all; -1 for none
		first, count       int
		end                string
	}{
		"at the beginning":       {-1, -1, -1, 0, n, restwire.EndedRunner},
		"since, included":        {9, -1, -1, n - 10, 10, restwire.EndedRunner},
		"until, left out":        {9, 4, -1, n - 10, 5, restwire.EndedUntil},
		"after the last event":   {-1, -1, 9, n - 9, 9, restwire.EndedRunner},
		"the later of two":       {4, -1, 9, n - 5, 5, restwire.EndedRunner},
		"the later of the other": {9, -1, 4, n - 4, 4, restwire.EndedRunner},
		"since beyond until":     {4, 9, -1, 0, 0, restwire.EndedUntil},
		"until the newest":       {99, 0, -1, n - 100, 99, restwire.EndedUntil},
	} {
		t.Run(name, func(t *testing.T) {
			query, header := job(r), http.Header{}
			if test.since >= 0 {
				query.Set("since", all[test.since].Timestamp)
			}
			if test.until >= 0 {
				query.Set("until", all[test.until].Timestamp)
			}
			if test.last >= 0 {
				header.Set("Last-Event-ID", all[test.last].Timestamp)
			}
			messages, last := s.stream(query, header).rest()
			messages = withoutLife(messages)
			numbered(t, messages, test.first)
			if len(messages) != test.count || last.name != restwire.StreamEnd || last.data != test.end {
				t.Errorf("%d lines, then %+v; want %d, %s", len(messages), last, test.count, test.end)
			}
		})
	}
	messages, last := s.stream(job(r, "search", "no such line"), nil).rest()
	if len(messages) != 0 || last.data != restwire.EndedRunner {
		t.Errorf("a search that finds nothing: %q, %+v", messages, last)
	}
}

func TestStreamSearch(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	st := s.stream(job(r, "search", "Tick 7"), nil)
	for i := range 5000 {
		s.Log(r, time.Now(), state.SourceStdout, fmt.Sprintf("tick %d", i%10))
	}
	s.do(s.Ended(t.Context(), r.ID, "test"))
	messages, last := st.rest()
	if len(messages) != 500 || slices.ContainsFunc(messages, func(m string) bool { return m != "tick 7" }) || last.data != restwire.EndedRunner {
		t.Errorf("%d lines found, then %+v", len(messages), last)
	}
}

// TestStreamIsLive reads each line before the next one is written.
func TestStreamIsLive(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	st := s.stream(job(r), nil)
	for _, want := range []string{"PENDING: test", "SETUP: process 42 started on port 4242", "IDLE: ready"} {
		if _, log := st.next(); log.Message != want || log.Labels[restwire.LabelEvent] != restwire.EventState {
			t.Fatalf("first %+v, want %q", log, want)
		}
	}
	for i := range 20 {
		s.Log(r, time.Now(), state.SourceStderr, strconv.Itoa(i))
		if _, log := st.next(); log.Message != strconv.Itoa(i) || log.Source != "stderr" || log.Level != "STDERR" || log.App != "web" {
			t.Fatalf("line %d: %+v", i, log)
		}
	}
}

func TestStreamIsKeptAlive(t *testing.T) {
	s := serve(t, state.Options{}, Options{KeepAlive: 5 * time.Millisecond})
	r := s.runner(state.AppSpec{Name: "web"})
	st := s.stream(job(r), nil)
	for comments, logs := 0, 0; comments < 10; {
		e, err := st.read()
		s.do(err)
		switch {
		case e.comment != "":
			comments++
		case logs < 3:
			logs++
		default:
			t.Fatalf("from a silent runner comes %+v", e)
		}
	}
}

// narrowClient has connections that take little that is not read.
func narrowClient(t *testing.T) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return conn, conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestSlowReader holds that a follower that does not read costs the runner
// nothing, is told that it is behind, and misses nothing.
func TestSlowReader(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	s.client = narrowClient(t)
	st := s.stream(job(r), nil)
	for range 3 {
		st.next()
	}
	const n = 12_000 // lines of a kilobyte: more than the socket holds
	padding := strings.Repeat("x", 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			s.Log(r, time.Now(), state.SourceStdout, strconv.Itoa(i)+padding)
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the runner waits for a follower")
	}
	if page := s.history(job(r, "page_size", "1")); page.Items[0].Message != strconv.Itoa(n-1)+padding {
		t.Errorf("the newest line is %.20q", page.Items[0].Message)
	}
	s.do(s.Ended(t.Context(), r.ID, "test"))
	behind, next := 0, 0
	for {
		e, err := st.read()
		s.do(err)
		switch {
		case strings.HasPrefix(e.comment, "behind"):
			behind++
		case e.comment != "", strings.Contains(e.data, "TERMINATED"):
		case e.name == "":
			if !strings.Contains(e.data, `"message":"`+strconv.Itoa(next)+`x`) {
				t.Fatalf("line %d is %.200s", next, e.data)
			}
			next++
		default:
			if next != n || e.data != restwire.EndedRunner || behind == 0 {
				t.Errorf("%d lines, told %d times, then %+v", next, behind, e)
			}
			return
		}
	}
}

// TestStreamEndsAtUntil waits for the moment though the runner says nothing.
func TestStreamEndsAtUntil(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	for name, until := range map[string]time.Time{"long past": time.Unix(1, 0), "now": time.Now(), "soon": time.Now().Add(300 * time.Millisecond)} {
		t.Run(name, func(t *testing.T) {
			messages, last := s.stream(job(r, "until", until.Format(restwire.TimeLayout)), nil).rest()
			if last.name != restwire.StreamEnd || last.data != restwire.EndedUntil {
				t.Errorf("after %q: %+v", messages, last)
			}
			if want := 3; name != "long past" && len(messages) != want {
				t.Errorf("%d lines, want %d", len(messages), want)
			}
		})
	}
}

func TestStreamsEndWithTheControlPlane(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	r := s.runner(state.AppSpec{Name: "web"})
	st := s.stream(job(r), nil)
	for range 3 {
		st.next()
	}
	s.Refuse()
	messages, last := st.rest()
	if len(messages) != 0 || last.name != restwire.StreamStop || !strings.Contains(last.data, "stopping") {
		t.Errorf("after %q: %+v", messages, last)
	}
}

func TestStreamsEndWithTheKey(t *testing.T) {
	s := serve(t, state.Options{}, Options{KeepAlive: 5 * time.Millisecond})
	r := s.runner(state.AppSpec{Name: "web"})
	st := s.stream(job(r), nil)
	for range 3 {
		st.next()
	}
	s.do(s.RevokeKey(t.Context(), s.caller, s.caller.KeyID))
	messages, last := st.rest()
	if len(messages) != 0 || last.name != restwire.StreamError || last.data == "" {
		t.Errorf("after %q: %+v", messages, last)
	}
}
