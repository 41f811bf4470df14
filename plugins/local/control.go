package local

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

// The commands talk to a running server over a port of its own on the loopback
// interface, with a token from a file that only the user can read. Unlike a
// signal this reaches the right process for certain, on every system.
const (
	pathHealth = localplane.PathHealth
	pathStop   = "/stop"
	pathSample = "/sample"
)

// answerLimit is how long a server in good health takes to answer, at most.
const answerLimit = 5 * time.Second

// health is what a server says of itself.
type health struct {
	Stopping bool           `json:"stopping"`
	Sample   bool           `json:"sample"`
	Login    bool           `json:"login"`   // people can log in
	Runners  map[string]int `json:"runners"` // by state
	Ready    int            `json:"ready"`   // runners of the sample app that are up
	Wanted   int            `json:"wanted"`  // runners of the sample app that there are to be at least
	Problem  string         `json:"problem"` // why there is nothing about runners
}

// controlled is what the commands can have a server do.
type controlled interface {
	health(ctx context.Context) health
	startSample(ctx context.Context) error
	requestStop()
}

func newToken() string { return rand.Text() }

// controlServer answers the commands.
type controlServer struct {
	listener net.Listener
	http     *http.Server
	done     chan struct{}
}

func serveControl(token string, target controlled) (*controlServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot listen for commands: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHealth, func(w http.ResponseWriter, r *http.Request) {
		answer(w, target.health(r.Context()), nil)
	})
	mux.HandleFunc("POST "+pathStop, func(w http.ResponseWriter, _ *http.Request) {
		target.requestStop()
		answer(w, struct{}{}, nil)
	})
	mux.HandleFunc("POST "+pathSample, func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, target.startSample(r.Context()))
	})
	s := &controlServer{
		listener: listener,
		http:     &http.Server{Handler: authorized(token, mux), ReadHeaderTimeout: answerLimit},
		done:     make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		// It ends by Close, and for no other reason while the process can
		// open descriptors; the commands then find nobody answering.
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

func (s *controlServer) address() string { return s.listener.Addr().String() }

// close lets answers under way be written.
func (s *controlServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.done
	return err
}

func authorized(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = localplane.Failure{Message: err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // a command that went away needs no answer
}

// controlClient reaches one server.
type controlClient struct{ server record }

func controlOf(r record) controlClient { return controlClient{r} }

func (c controlClient) health(ctx context.Context) (health, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var h health
	err := c.server.Call(ctx, http.MethodGet, pathHealth, &h)
	return h, err
}

func (c controlClient) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	return c.server.Call(ctx, http.MethodPost, pathStop, nil)
}

func (c controlClient) startSample(ctx context.Context) error {
	return c.server.Call(ctx, http.MethodPost, pathSample, nil)
}
