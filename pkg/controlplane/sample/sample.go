// Package sample is the app that the control plane runs to show itself: a small
// HTTP server. The program that embeds the control plane executes itself with
// arguments that lead here:
//
//	os.Exit(sample.Main(ctx, os.Environ()))
//
// It listens on 127.0.0.1:$PORT, answers /health and /, and writes a line to
// standard output when it starts and stops, for each request, and every
// fifteen seconds about what it did; what goes wrong is said on standard error.
package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	reportInterval  = 15 * time.Second
	shutdownTimeout = 3 * time.Second
)

// Main serves until ctx ends or the process is asked to end, and returns the
// exit code: 0 when it stopped in order, 1 when it could not serve, 2 when PORT
// is missing or no port. env is in the form of os.Environ.
func Main(ctx context.Context, env []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return serve(ctx, env, os.Stdout, os.Stderr)
}

func serve(ctx context.Context, env []string, stdout, stderr io.Writer) int {
	logger := slog.New(slog.NewTextHandler(stdout, nil))
	port, err := strconv.ParseUint(lookup(env, "PORT"), 10, 16)
	if err != nil {
		fmt.Fprintf(stderr, "sample: PORT is %q, not a port\n", lookup(env, "PORT"))
		return 2
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10)))
	if err != nil {
		fmt.Fprintf(stderr, "sample: %v\n", err)
		return 1
	}
	a := &app{logger: logger, runner: lookup(env, "FAL_RUNNER_ID"), started: time.Now()}
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	logger.Info("started", "address", listener.Addr(), "pid", os.Getpid(), "runner", a.runner,
		"revision", lookup(env, "FAL_REVISION"), "go", runtime.Version())
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-failed:
			fmt.Fprintf(stderr, "sample: %v\n", err)
			return 1
		case <-ticker.C:
			a.report("load")
		case <-ctx.Done():
			return a.shutdown(server, stderr)
		}
	}
}

func (a *app) shutdown(server *http.Server, stderr io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintf(stderr, "sample: requests were cut off: %v\n", err)
		server.Close()
		return 1
	}
	a.report("stopped")
	return 0
}

// lookup returns the last value of a variable, which is the one that counts.
func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(env[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// app is the server with what it counts.
type app struct {
	logger   *slog.Logger
	runner   string
	started  time.Time
	requests atomic.Int64
	inFlight atomic.Int64
	busy     atomic.Int64 // nanoseconds spent on requests
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /{$}", a.greet)
	return a.counted(mux)
}

// greet answers after as long as the query's wait says, up to a minute, which
// makes a request that is in flight easy to come by.
func (a *app) greet(w http.ResponseWriter, request *http.Request) {
	if text := request.URL.Query().Get("wait"); text != "" {
		wait, err := time.ParseDuration(text)
		if err != nil || wait < 0 || wait > time.Minute {
			http.Error(w, "wait is a duration of at most 1m, such as 500ms", http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(wait):
		case <-request.Context().Done():
			return
		}
	}
	fmt.Fprintf(w, "runner %s has been up for %s\n", a.runner, time.Since(a.started).Round(time.Millisecond))
}

// counted logs requests and counts them.
func (a *app) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		begin := time.Now()
		a.inFlight.Add(1)
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, request)
		a.inFlight.Add(-1)
		took := time.Since(begin)
		a.requests.Add(1)
		a.busy.Add(int64(took))
		a.logger.Info("request", "method", request.Method, "path", request.URL.Path, "status", recorder.status, "took", took)
	})
}

// report logs how much there was to do.
func (a *app) report(message string) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	requests := a.requests.Load()
	var mean time.Duration
	if requests > 0 {
		mean = time.Duration(a.busy.Load() / requests)
	}
	a.logger.Info(message, "requests", requests, "in_flight", a.inFlight.Load(), "mean", mean,
		"up", time.Since(a.started).Round(time.Second), "goroutines", runtime.NumGoroutine(), "heap_bytes", memory.HeapAlloc)
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
