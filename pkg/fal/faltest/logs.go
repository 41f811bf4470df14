package faltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Dialect is what nobody has promised about the logs of the service, so that
// a client must do with either.
type Dialect struct {
	// SinceExcluded leaves out the lines of the moment since itself.
	SinceExcluded bool
	// UntilIncluded has the lines of the moment until too.
	UntilIncluded bool
	// OldestFirst is the order of the lines in a page.
	OldestFirst bool
	// EventIDs gives ids to the events of a stream, and goes on behind a
	// Last-Event-ID. Streams without them start at since alone.
	EventIDs bool
	// Endless streams do not end with their runner.
	Endless bool
}

// A Log is the log of one runner. It may be used by several goroutines at once.
type Log struct {
	dialect Dialect

	mu             sync.Mutex
	started, ended time.Time
	lines          []logLine
	changed        chan struct{} // closed by the next change
}

type logLine struct {
	at   time.Time
	json string
}

// AddLog serves a runner's life and log: GET /runners/{id}, and the calls for
// history and stream. Without one for an id, these answer 404.
func (s *Server) AddLog(runner string, started time.Time, dialect Dialect) *Log {
	l := &Log{dialect: dialect, started: started, changed: make(chan struct{})}
	s.mu.Lock()
	first := s.logs == nil
	if first {
		s.logs = make(map[string]*Log)
	}
	s.logs[runner] = l
	s.mu.Unlock()
	if first {
		s.HandleREST("GET /runners/{id}", func(w http.ResponseWriter, r *http.Request) {
			s.withLog(w, r.PathValue("id"), func(l *Log) { l.serveLife(w) })
		})
		s.HandleREST("POST /logs/history", func(w http.ResponseWriter, r *http.Request) {
			s.withLog(w, r.URL.Query().Get("job_id"), func(l *Log) { l.serveHistory(w, r) })
		})
		s.HandleREST("POST /logs/stream", func(w http.ResponseWriter, r *http.Request) {
			s.withLog(w, r.URL.Query().Get("job_id"), func(l *Log) { l.serveStream(w, r, s.closed) })
		})
	}
	return l
}

func (s *Server) withLog(w http.ResponseWriter, runner string, serve func(*Log)) {
	s.mu.Lock()
	l := s.logs[runner]
	s.mu.Unlock()
	if l == nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"detail": "no such runner"}`))
		return
	}
	serve(l)
}

// Write adds a line. Lines are to be written in the order of time.
func (l *Log) Write(at time.Time, level, message string) {
	text, err := json.Marshal(map[string]string{"timestamp": at.UTC().Format(time.RFC3339Nano), "level": level, "message": message})
	if err != nil {
		panic(err) // strings can be encoded
	}
	l.WriteJSON(at, string(text))
}

// WriteJSON adds a line as the service is to send it.
func (l *Log) WriteJSON(at time.Time, text string) {
	l.change(func() { l.lines = append(l.lines, logLine{at.UTC(), text}) })
}

// End ends the runner.
func (l *Log) End(at time.Time) { l.change(func() { l.ended = at.UTC() }) }

func (l *Log) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Log) serveLife(w http.ResponseWriter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	moment := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"started_at": moment(l.started), "ended_at": moment(l.ended)})
}

// span finds the lines from since to until.
func (l *Log) span(r *http.Request) (first, behind int, err error) {
	behind = len(l.lines)
	query := r.URL.Query()
	search := func(at time.Time, after bool) int {
		i, _ := slices.BinarySearchFunc(l.lines, at, func(line logLine, at time.Time) int {
			if c := line.at.Compare(at); c != 0 || !after {
				return c
			}
			return -1
		})
		return i
	}
	if text := query.Get("since"); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return 0, 0, err
		}
		first = search(at, l.dialect.SinceExcluded)
	}
	if text := query.Get("until"); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return 0, 0, err
		}
		behind = search(at, l.dialect.UntilIncluded)
	}
	return first, max(first, behind), nil
}

func (l *Log) serveHistory(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, behind, err := l.span(r)
	size, sizeErr := strconv.Atoi(r.URL.Query().Get("page_size"))
	if err != nil || sizeErr != nil || size < 1 || size > 1000 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"detail": "bad query %s"}`, r.URL.RawQuery)
		return
	}
	from := max(first, behind-size)
	// Lines of one moment are on one page, or the rest of them were lost.
	for from > first && l.lines[from-1].at.Equal(l.lines[from].at) && !l.dialect.UntilIncluded {
		from--
	}
	var page struct {
		Items     []json.RawMessage `json:"items"`
		NextUntil *string           `json:"next_until"`
	}
	page.Items = []json.RawMessage{}
	search := r.URL.Query().Get("search")
	for _, line := range l.lines[from:behind] {
		if strings.Contains(line.json, search) {
			page.Items = append(page.Items, json.RawMessage(line.json))
		}
	}
	if !l.dialect.OldestFirst {
		slices.Reverse(page.Items)
	}
	if from > first {
		next := l.lines[from].at.Format(time.RFC3339Nano)
		page.NextUntil = &next
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(page)
}

func (l *Log) serveStream(w http.ResponseWriter, r *http.Request, closed <-chan struct{}) {
	l.mu.Lock()
	next, _, err := l.span(r)
	search, bounded := r.URL.Query().Get("search"), r.URL.Query().Has("until")
	l.mu.Unlock()
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	if id := r.Header.Get("Last-Event-Id"); l.dialect.EventIDs && id != "" {
		if last, err := strconv.Atoi(id); err == nil {
			next = max(next, last+1)
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	if _, err := w.Write([]byte(": hello\n\nevent: greeting\ndata: not JSON\n\n")); err != nil {
		return
	}
	for {
		l.mu.Lock()
		_, behind, _ := l.span(r)
		var batch []string
		for ; next < behind && len(batch) < 256; next++ {
			if !strings.Contains(l.lines[next].json, search) {
				continue
			}
			text := "data: " + l.lines[next].json + "\n\n"
			if l.dialect.EventIDs {
				text = "id: " + strconv.Itoa(next) + "\n" + text
			}
			batch = append(batch, text)
		}
		changed, over := l.changed, !l.ended.IsZero() && !l.dialect.Endless || bounded
		l.mu.Unlock()
		for _, text := range batch {
			if _, err := w.Write([]byte(text)); err != nil {
				return
			}
		}
		if control.Flush() != nil || len(batch) == 0 && over {
			return
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-closed:
			return
		}
	}
}
