package fal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// A cutter is a TCP proxy that resets connections after a random number of
// bytes, as long as it has cuts left.
type cutter struct {
	net.Listener
	target string
	most   int // bytes between two cuts

	mu   sync.Mutex
	left int
	cuts int
	all  sync.WaitGroup
}

func newCutter(t *testing.T, target string, cuts, most int) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener, target: target, left: cuts, most: most}
	c.all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.all.Go(func() { c.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.all.Wait()
	})
	return c
}

func (c *cutter) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer server.Close()
	c.all.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	_, err = io.CopyN(client, server, int64(1+rand.IntN(c.most)))
	c.mu.Lock()
	cut := err == nil && c.left > 0
	if cut {
		c.left--
		c.cuts++
	}
	c.mu.Unlock()
	if !cut && err == nil {
		_, _ = io.Copy(client, server)
		return
	}
	if cut && rand.IntN(2) == 0 {
		_ = client.(*net.TCPConn).SetLinger(0)
	}
}

// through is a client whose REST side goes over the cutter.
func (c *cutter) through(t *testing.T, server *faltest.Server) (context.Context, *fal.Client) {
	t.Helper()
	o := server.Options()
	o.RESTURL = (&url.URL{Scheme: "http", Host: c.Addr().String()}).String()
	client, err := fal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx, client
}

// followCut follows lines while they are written and the connection is cut.
func followCut(t *testing.T, dialect faltest.Dialect, lines, cuts, most int) {
	server := faltest.New(t)
	start := time.Now().Add(-time.Second)
	log := server.AddLog(logRunner, start, dialect)
	proxy := newCutter(t, server.Host(), cuts, most)
	ctx, client := proxy.through(t, server)
	var writing sync.WaitGroup
	writing.Go(func() {
		at := start
		for i := range lines {
			if i%4 == 0 { // four lines of each moment, two of them equal
				at = at.Add(time.Millisecond)
			}
			text := strconv.Itoa(i)
			if i%4 < 2 {
				text = "same " + strconv.Itoa(i/4)
			}
			log.Write(at, "INFO", text)
			if i%500 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		log.End(at.Add(time.Millisecond))
	})
	defer writing.Wait()
	i, notices := 0, 0
	params := &fal.RunnersFollowParams{Since: start, Notice: func(fal.FollowNotice) { notices++ }}
	for line, err := range client.Runners.Follow(ctx, logRunner, params) {
		if err != nil {
			t.Fatalf("after %d lines: %v", i, err)
		}
		want := strconv.Itoa(i)
		if i%4 < 2 {
			want = "same " + strconv.Itoa(i/4)
		}
		if line.Message != want {
			t.Fatalf("line %d is %q, want %q, after %d cuts", i, line.Message, want, proxy.cuts)
		}
		i++
	}
	if i != lines {
		t.Errorf("%d lines of %d", i, lines)
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	if proxy.cuts < cuts || notices == 0 {
		t.Errorf("%d cuts of %d, %d notices", proxy.cuts, cuts, notices)
	}
}

func TestFollowSurvivesCuts(t *testing.T) {
	for name, dialect := range dialects() {
		if dialect.SinceExcluded || dialect.OldestFirst {
			continue // of no matter to a stream, or a loss that nobody can make good
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			followCut(t, dialect, 5000, 10, 20000)
		})
	}
}

func TestFollowSurvivesAHundredCuts(t *testing.T) {
	followCut(t, faltest.Dialect{EventIDs: true}, 50000, 100, 30000)
}

func follow(ctx context.Context, client *fal.Client, params *fal.RunnersFollowParams) (got []string, last error) {
	for line, err := range client.Runners.Follow(ctx, logRunner, params) {
		if err != nil {
			return got, err
		}
		got = append(got, line.Message)
	}
	return got, nil
}

func TestFollowGoesOnBehindWhatWasRead(t *testing.T) {
	for name, dialect := range dialects() {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			log := server.AddLog(logRunner, logStart(), dialect)
			for i := range 20 {
				log.Write(logStart().Add(time.Duration(1+i/3)*400*time.Millisecond), "INFO", strconv.Itoa(i/2))
			}
			ctx, client := newClient(t, server.Options())
			var after []fal.LogLine
			for page, err := range client.Runners.LogPages(ctx, logRunner, &fal.RunnersLogsParams{PageSize: 10}) {
				if err != nil {
					t.Fatal(err)
				}
				after = page
				break
			}
			log.Write(logStart().Add(time.Minute), "INFO", "new")
			log.Write(logStart().Add(time.Minute), "INFO", "new")
			log.End(logStart().Add(time.Hour))
			got, err := follow(ctx, client, &fal.RunnersFollowParams{After: after})
			if err != nil || !slices.Equal(got, []string{"new", "new"}) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestFollowEnds(t *testing.T) {
	ended := func(dialect faltest.Dialect) func(*faltest.Server) {
		return func(s *faltest.Server) {
			log := s.AddLog(logRunner, logStart(), dialect)
			log.Write(logStart().Add(time.Second), "INFO", "a")
			log.End(logStart().Add(time.Minute))
		}
	}
	stream := func(status int, body string) func(*faltest.Server) {
		return func(s *faltest.Server) {
			s.HandleREST("POST /logs/stream", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			})
			s.HandleREST("GET /runners/"+logRunner, answer(200, `{"started_at": "2026-01-02T03:04:05Z", "ended_at": null}`))
		}
	}
	line := `data: {"timestamp": "2026-01-02T03:04:06Z", "message": "a"}` + "\n\n"
	for name, c := range map[string]struct {
		serve  func(*faltest.Server)
		params fal.RunnersFollowParams
		want   string
		err    error
	}{
		"with its runner":                 {serve: ended(faltest.Dialect{}), want: "a"},
		"with its runner, behind silence": {serve: ended(faltest.Dialect{Endless: true}), params: fal.RunnersFollowParams{Patience: 50 * time.Millisecond}, want: "a"},
		"with until": {serve: func(s *faltest.Server) {
			s.AddLog(logRunner, logStart(), faltest.Dialect{}).Write(logStart(), "INFO", "a")
		}, params: fal.RunnersFollowParams{Until: logStart().Add(time.Minute)}, want: "a"},
		"with an error of the service":  {serve: stream(200, line+"event: error\ndata: out of\ndata: order\n\n"), want: "a", err: fal.ErrUnknown},
		"with the stream, when told to": {serve: stream(200, line), params: fal.RunnersFollowParams{NoReconnect: true}, want: "a", err: fal.ErrUnavailable},
		"within a line, when told to":   {serve: stream(200, line+"data: {"), params: fal.RunnersFollowParams{NoReconnect: true}, want: "a", err: fal.ErrUnavailable},
		"when the runner is not known":  {serve: stream(404, `{"detail": "no"}`), err: fal.ErrNotFound},
		"when it is not allowed":        {serve: stream(403, `{"detail": "no"}`), err: fal.ErrPermissionDenied},
		"when it is never there":        {serve: stream(503, `{"detail": "later"}`), err: fal.ErrUnavailable},
		"when nothing answers": {serve: func(s *faltest.Server) {
			s.HandleREST("POST /logs/stream", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, params: fal.RunnersFollowParams{Patience: 20 * time.Millisecond}, err: fal.ErrDeadlineExceeded},
		"when what answers is no service":  {serve: func(s *faltest.Server) { s.HandleREST("POST /logs/stream", answer(200, "<html>")) }, err: fal.ErrUnavailable},
		"when an event has no end in time": {serve: stream(200, "data: "+strings.Repeat("x", 17<<20)), err: fal.ErrDataLoss},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := faltest.New(t)
			c.serve(server)
			ctx, client := newClient(t, server.Options())
			c.params.Since = logStart()
			got, err := follow(ctx, client, &c.params)
			if !errors.Is(err, c.err) || strings.Join(got, "") != c.want {
				t.Errorf("%q, %v, want %q, %v", got, err, c.want, c.err)
			}
			if err == nil && c.err != nil {
				t.Error("no error")
			}
		})
	}
}

// A service that goes away for a while, in the middle of a follow, is waited
// for; its errors then are not the follow's.
func TestFollowOutlastsTheService(t *testing.T) {
	server := faltest.New(t)
	var mu sync.Mutex
	answers := []string{"line 1", "503", "500", "429", "line 1 2", "line 3", "end"}
	server.HandleREST("POST /logs/stream", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now := answers[0]
		answers = answers[1:]
		mu.Unlock()
		if status, err := strconv.Atoi(now); err == nil {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, n := range strings.Fields(now)[1:] {
			fmt.Fprintf(w, "data: {\"timestamp\": \"2026-01-02T03:04:0%sZ\", \"level\": \"INFO\", \"message\": \"%s\"}\n\n", n, n)
		}
		if now != "end" {
			_, _ = io.WriteString(w, "data: cut")
		}
	})
	server.HandleREST("GET /runners/"+logRunner, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body := `{"started_at": "2026-01-02T03:04:00Z", "ended_at": null}`
		if len(answers) == 0 {
			body = `{"started_at": "2026-01-02T03:04:00Z", "ended_at": "2026-01-02T03:05:00Z"}`
		}
		_, _ = io.WriteString(w, body)
	})
	// What the stream has left out is caught up from the history.
	server.HandleREST("POST /logs/history", answer(200, `{"items": [
		{"timestamp": "2026-01-02T03:04:04Z", "level": "INFO", "message": "4"},
		{"timestamp": "2026-01-02T03:04:03Z", "level": "INFO", "message": "3"}], "next_until": null}`))
	ctx, client := newClient(t, server.Options())
	var notices []fal.FollowNotice
	got, err := follow(ctx, client, &fal.RunnersFollowParams{Since: logStart().Truncate(time.Minute), Notice: func(n fal.FollowNotice) { notices = append(notices, n) }})
	if err != nil || !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("%q, %v", got, err)
	}
	if len(notices) != 4 || notices[0].Back || notices[0].Err == nil || !notices[1].Back || !notices[2].Back || !notices[3].Back {
		t.Errorf("notices %+v", notices)
	}
}

// A service that says that it stops is left at once, though the connection
// stays, and waited for.
func TestFollowOutlastsAStopOfTheService(t *testing.T) {
	server := faltest.New(t)
	var mu sync.Mutex
	var opened int
	server.HandleREST("POST /logs/stream", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		opened++
		now := opened
		mu.Unlock()
		if now == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"timestamp\": \"2026-01-02T03:04:0%dZ\", \"level\": \"INFO\", \"message\": \"%d\"}\n\n", now, now)
		if now == 1 {
			_, _ = io.WriteString(w, "event: stop\ndata: the control plane is stopping\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})
	server.HandleREST("GET /runners/"+logRunner, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		ended := "null"
		if opened == 3 {
			ended = `"2026-01-02T03:05:00Z"`
		}
		_, _ = io.WriteString(w, `{"started_at": "2026-01-02T03:04:00Z", "ended_at": `+ended+`}`)
	})
	server.HandleREST("POST /logs/history", answer(200, `{"items": [], "next_until": null}`))
	ctx, client := newClient(t, server.Options())
	got, err := follow(ctx, client, &fal.RunnersFollowParams{Since: logStart().Truncate(time.Minute)})
	if err != nil || !slices.Equal(got, []string{"1", "3"}) {
		t.Errorf("%q, %v", got, err)
	}
	if opened != 3 {
		t.Errorf("opened %d times, want 3", opened)
	}
}

func TestFollowStopsWithItsContextAndItsReader(t *testing.T) {
	server := faltest.New(t)
	log := server.AddLog(logRunner, logStart(), faltest.Dialect{})
	log.Write(logStart().Add(time.Second), "INFO", "a")
	ctx, client := newClient(t, server.Options())
	for range client.Runners.Follow(ctx, logRunner, &fal.RunnersFollowParams{Since: logStart()}) {
		break
	}
	ctx, cancel := context.WithCancel(ctx)
	var last error
	for line, err := range client.Runners.Follow(ctx, logRunner, &fal.RunnersFollowParams{Since: logStart()}) {
		if last = err; line.Message == "a" {
			cancel()
		}
	}
	if !errors.Is(last, fal.ErrCanceled) || !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
	cancel()
}
