package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// serverOptions are what a server is started with, in this process or in one
// of its own.
type serverOptions struct {
	port   int // 0: the last one if it is free, else any
	tls    bool
	sample bool
	login  bool
}

func (o *serverOptions) flags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "port", Placeholder: "N", Value: cli.Int(&o.port, 1, 65535),
			Usage: "port to answer at; without it the one used last, if it is free, else any that is"},
		{Name: "tls", Value: cli.Bool(&o.tls),
			Usage: "speak TLS, under a certificate authority of its own"},
		{Name: "sample", Value: cli.Bool(&o.sample),
			Usage: "bring up a sample app with three runners"},
		{Name: "login", Value: cli.Bool(&o.login),
			Usage: "have people to log in as: what `fal local env` prints then uses a login instead of the key"},
	}
}

// newServe is what start becomes in the background. It answers on stdout with
// one report and logs to stderr.
func newServe() *cli.Command {
	folder, o := &folderOptions{}, &serverOptions{}
	return &cli.Command{
		Name:    serveWord,
		Summary: "Be the server in the background",
		Hidden:  true,
		Flags:   append(o.flags(), folder.flag()),
		Waits:   func() bool { return true },
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			// Whoever started this stops reading once it is up. Received and
			// not ignored: runners would inherit that.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
			dir, err := folder.open(inv)
			if err != nil {
				return reportFailure(inv.IO.Out, err)
			}
			logger := slog.New(slog.NewJSONHandler(inv.IO.Err, nil))
			var failed error
			err = serve(ctx, dir, *o, logger, func(r record) {
				failed = errors.Join(reportReady(inv.IO.Out, r), inv.IO.Flush())
			})
			if err != nil {
				logger.Error("server ended", "error", err)
				return reportFailure(inv.IO.Out, err)
			}
			return failed
		},
	}
}

// closeLimit bounds the end of a server. Runners have their grace periods
// within it.
const closeLimit = 45 * time.Second

// serve runs a server until the context ends or a command asks it to stop.
// ready is called once, when it answers. Everything it started is gone when it
// returns.
func serve(ctx context.Context, dir dataDir, o serverOptions, logger *slog.Logger, ready func(record)) (err error) {
	if err := dir.prepare(); err != nil {
		return err
	}
	lock, err := dir.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := dir.removeRecord(); err != nil {
		return err
	}
	if o.login {
		if err := dir.prepareLogin(); err != nil {
			return err
		}
	}
	s := &server{logger: logger, login: o.login, stop: make(chan struct{})}
	if s.plane, err = startPlane(ctx, dir, o, logger); err != nil {
		return dir.secretKeyFailure(err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.tls {
		if err := dir.writeBundle(s.plane.CAPath()); err != nil {
			return err
		}
	}
	if s.census, err = newCensus(s.plane); err != nil {
		return err
	}
	if o.sample {
		if err := s.startSample(ctx); err != nil {
			return fmt.Errorf("cannot start the sample app: %w", err)
		}
	}
	token := newToken()
	control, err := serveControl(token, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.close()) }()
	r := record{
		PID: os.Getpid(), Address: s.plane.Addr(), TLS: o.tls, Control: control.address(), Token: token,
		Version: version.Get("fal-local").Version, StartedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
	if err := dir.remember(r.Address); err != nil {
		return err
	}
	if err := dir.saveRecord(r); err != nil {
		return err
	}
	ready(r)
	select {
	case <-ctx.Done():
	case <-s.stop:
	}
	logger.Info("stopping")
	// The record goes last but the lock, so that commands learn meanwhile that
	// it is stopping.
	return errors.Join(s.close(), dir.removeRecord())
}

// codeAlreadyRunning tells start that another one was faster.
const codeAlreadyRunning = "already_running"

// acquire waits for the lock: a command that looks holds it for a moment, a
// server that is ending for longer.
func (d dataDir) acquire(ctx context.Context) (*flock.Flock, error) {
	var lock *flock.Flock
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := poll(limited, func() (bool, error) {
		if err := d.prepare(); err != nil { // a reset may be under way
			return false, err
		}
		var err error
		if lock, err = d.tryLock(); err != nil {
			return false, d.failure("cannot lock", err)
		}
		if lock != nil {
			return true, nil
		}
		if r, ok, _ := d.record(); ok { // unreadable: the lock decides
			if h, err := controlOf(r).health(limited); err == nil && !h.Stopping {
				return false, &cli.Error{Code: codeAlreadyRunning,
					Message: fmt.Sprintf("the control plane is already running on %s (process %d)", r.Address, r.PID),
					Hint:    []string{"fal local stop" + d.flag()}}
			}
		}
		return false, nil
	})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		r, _, _ := d.record() // to name the process, if it can be
		return nil, d.unresponsive(r)
	}
	return lock, err
}

// startPlane starts the control plane at the port that was asked for, or at the
// last one, or at one that is free.
func startPlane(ctx context.Context, dir dataDir, o serverOptions, logger *slog.Logger) (*controlplane.Server, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var logins *controlplane.Logins
	if o.login {
		logins = &controlplane.Logins{}
	}
	start := func(port int) (*controlplane.Server, error) {
		return controlplane.Start(ctx, controlplane.Options{
			DataDir:    string(dir),
			Listen:     net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
			TLS:        o.tls,
			Supervisor: []string{exe, superviseWord},
			SampleArgv: []string{exe, sampleWord},
			Logger:     logger,
			Logins:     logins,
		})
	}
	if o.port != 0 {
		plane, err := start(o.port)
		if errors.Is(err, errAddressInUse) {
			return nil, (&cli.Error{Code: "port_taken", Err: err,
				Message: fmt.Sprintf("port %d is taken by another program", o.port)}).
				WithHint("choose another one, or leave --port out to get one that is free")
		}
		return plane, err
	}
	candidates := preferredPorts()
	if last := dir.settings().Port; last != 0 {
		candidates = append([]int{last}, candidates...)
	}
	for _, port := range candidates {
		plane, err := start(port)
		if !errors.Is(err, errAddressInUse) {
			return plane, err
		}
		logger.Info("port is taken by another program", "port", port)
	}
	return start(0)
}

// secretKeyFailure says what to do when secrets cannot be read; other errors
// stay as they are.
func (d dataDir) secretKeyFailure(err error) error {
	if !errors.Is(err, controlplane.ErrSecretKey) {
		return err
	}
	return (&cli.Error{Code: "secret_key", Message: iostreams.SanitizeLine(err.Error()), Err: err}).
		WithHint("put " + controlplane.SecretKeyFile + " back as it was, or begin anew without the secrets: `fal local reset" + d.flag() + "`")
}

// preferredPorts are tried before any other. Systems do not hand them out to
// connections, so that they are still free at the next start.
func preferredPorts() []int { return []int{32500, 32501, 32502, 32503, 32504} }

// remember keeps the port for the next start.
func (d dataDir) remember(address string) error {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	if s := d.settings(); s.Port != port {
		s.Port = port
		return d.saveSettings(s)
	}
	return nil
}

// server is a control plane as the commands see it.
type server struct {
	logger *slog.Logger
	plane  *controlplane.Server
	census census
	login  bool

	once sync.Once
	stop chan struct{} // closed when a command asks to stop

	mu       sync.Mutex
	stopping bool
	closed   sync.Once
	closeErr error
}

func (s *server) requestStop() { s.once.Do(func() { close(s.stop) }) }

// close ends the control plane and all that it runs. A second call returns
// what the first did.
func (s *server) close() error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.closed.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
		defer cancel()
		s.closeErr = errors.Join(s.census.close(), s.plane.Close(ctx))
	})
	return s.closeErr
}

// censusLimit is less than what the commands give the whole answer.
const censusLimit = answerLimit / 2

func (s *server) health(ctx context.Context) health {
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		return health{Stopping: true}
	}
	ctx, cancel := context.WithTimeout(ctx, censusLimit)
	defer cancel()
	h, err := s.census.take(ctx)
	if err != nil {
		h.Problem = err.Error()
	}
	h.Login = s.login
	return h
}

func (s *server) startSample(ctx context.Context) error {
	_, err := s.plane.StartSample(ctx)
	return err
}
