// Package controlplane is a control plane for this machine: it speaks the
// protocol of the service, keeps accounts, keys, apps and runners in a
// database, and runs runners as processes.
//
//	cp, err := controlplane.Start(ctx, controlplane.Options{
//		DataDir:    dir,
//		Supervisor: []string{exe, "__supervise"},
//		SampleArgv: []string{exe, "__sample"},
//	})
//	app, err := cp.StartSample(ctx)
//	fmt.Println(cp.Addr(), cp.Credentials().Key())
//	err = cp.Close(ctx)
//
// The program that embeds it calls runtime.Supervise when it is executed with
// the arguments of Options.Supervisor, and sample.Main when it is executed
// with those of Options.SampleArgv.
//
// Guarantees: it listens on the loopback interface only, and one port answers
// gRPC (controller.IsolateController) and REST; every call is authenticated, by a
// key, or with Options.Logins by the token of somebody who logged in, and a key of
// API scope only reads; what a call acknowledged is on disk; the
// values of secrets are there encrypted (AES-256-GCM), and in no log, error or
// argument of a process; what is said of a runner is true of its process; no
// process of a runner outlives the control plane, however that ends; one data
// folder is used by one control plane at a time.
//
// Limits: a key's description has at most 256 characters. An account has at
// most 100 environments beside main, with names of lower-case letters, digits
// and single hyphens between them, 63 at most, and descriptions of at most 256
// characters. A secret's name is a letter or underscore, then letters, digits
// and underscores, 255 at most, and no variable that runners get from the
// control plane, nor PATH, LD_… or DYLD_…; its value has at most 32,000 bytes, none of them NUL; the names
// and encrypted values of an environment have at most 512 KiB in all. An app's
// name is a letter or digit, then letters, digits, dots, underscores and single
// hyphens, 128 at most with the two hyphens and the environment that follow in
// any but main. It has 0 to 10,000 min_concurrency and concurrency_buffer, 1 to
// 10,000 max_concurrency (not below the minimum) and max_multiplexing, 0 to
// 1,000 percent concurrency_buffer_perc, 0 s to 30 days keep_alive and
// scaling_delay, up to 30 days request_timeout and startup_timeout, 1 to 16
// machine types and at most 16 regions, each named once, of at most 64 letters,
// digits, dots, hyphens and underscores. The message of a revision has at most
// 2,048 characters; it has at most 32 annotations, with keys of 1 to 64
// characters; both have at most 16,384 bytes as JSON.
//
// Requests for an app come to /<owner>/<alias>/… of the same port, as package
// gateway says, and have runners started: an app has as many as its requests need
// with max_multiplexing on each, and concurrency_buffer more or
// concurrency_buffer_perc of them, whichever is more, within min_concurrency and
// max_concurrency. A request that waits beside runners counts after scaling_delay.
// What is not needed any more ends after keep_alive. Of an app 1,024 requests wait
// at a time.
//
// What is deployed has at most 100,000 files of at most 1 GiB, a configuration
// of at most 4 MiB and openapi of at most 8 MiB as JSON, a serialized function
// of at most 256 MiB and source code of at most 1 MiB. It is made of one
// environment. A distribution has at most 1 GiB and is kept for 30 days at most,
// one day if the client does not say; there are 1,000 of them at a time, and
// 4,096 uploads under way.
//
// Deployments: an environment is built where it is defined, once for each
// content, as package build says; base images, machine types, regions,
// schedulers and data mounts mean nothing to one machine. Passwords of
// registries and secrets of a build are used for nothing and kept nowhere; what
// else a configuration holds is kept as it is, credentials in the URL of a
// package index too. A requirement that was uploaded as a distribution is kept
// as long as a revision needs it, and so is an uploaded file; files that none
// needs go a day after they were last asked for. The environment of a revision stays
// as long as the revision is there (fal apps delete-rev removes one) and its app too, and
// goes when the control plane starts after that; it is built again where it is needed
// nevertheless. A revision that was registered is its app's, also if
// its runners fail to start.
//
// Environment of runners, and of sessions in them: what any process needs to run on
// this machine, as the control plane was started with it (PATH, HOME, the user, the
// language, temporary and cache folders, TZ, certificates, proxies, the folders of
// libraries, those of CUDA and its devices, and what Windows sets itself); then ENV of
// the image; then the app's secrets; then what the control plane sets. Nothing else of
// the shell that started it is passed on, nor a proxy whose URL holds credentials: a
// secret of that name gives it to apps. Builds do get the whole of it, but for FAL_…,
// since pip and uv are configured there; what a build calls of an app as well. This
// keeps credentials from being passed on by accident, and is no wall: runners are
// processes of the user and read what the user can read.
//
// Readiness and health: a runner is ready when something listens on the port that
// PORT names, or, where a regular health check is declared, when that succeeds. A
// deployed process that binds a port of its own is found at its exposed_port, if
// nothing listened there before and it is a process of the runner that listens there,
// which is known on Linux alone; one runner of such an app runs at a time, whatever
// min_concurrency says, and the next revision's starts when it has left. While the
// first of a revision that may bind one starts, its others wait. On Linux the port of
// one that has no exposed_port, nor an EXPOSE, is found as well: it is the only one on
// which the process has been listening for ten seconds, or half of startup_timeout if
// that is less, beside its metrics_port, and it answers HTTP there, while nothing listens
// on the one that PORT names, which counts if it comes within that time. While it listens there, and before it
// listens at all for as long, others of the revision wait. It is expected of the app's next
// runners, and found again after a restart of the control plane. Of several, the log
// names them, and none is taken. An app that listens for metrics long before it does
// for requests declares metrics_port or exposed_port. A runner that is up is asked every 15
// seconds, or, with call_regularly = false, when an answer of it has
// X-Fal-Runner-Health-Check; while requests are in flight only with allow_on_busy.
// After failure_threshold failures in a row, and not before it has run for
// start_period and startup_timeout, it is drained and replaced; without regular
// checks the first failure counts. An answer that leads elsewhere is a failure. One
// that falls ill soon is a failed start as far as the pace of starting others goes.
// What failed is in its log.
//
// Rollouts: a runner that is up and of another revision than its app, or that is
// to be replaced, serves until one of the app's revision is up in its place. So
// an app never has fewer runners up than before, and while some are replaced one
// more than max_concurrency at most; runners that drain are not counted, since
// they take no requests. One that drains ends after its requests in flight, which
// have the app's request_timeout for that; then it is sent SIGTERM, and SIGKILL after
// its grace period. An app that is recreated, or binds a port of its own, has its old
// runners end first and then gets as many as min_concurrency says. A forced rollout
// starts all replacements at once and has each old runner drain without waiting for
// its own. In these cases, on a runner that is ill, and where another process waits for
// its port, requests in flight have the grace period instead of request_timeout. A runner that waits after a failure to
// start serves nothing: it is not replaced but ended, and started anew within
// min_concurrency. Above min_concurrency, runners that are idle or fail to start end
// after keep_alive, also while they are replaced. An app is rolling from the call on until all its
// runners are those that it asked for and min_concurrency of them are up, or the
// one that can be, and so for as long as that fails. A control plane that is started again in the middle
// of a rollout starts runners of the new revision only.
package controlplane

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"google.golang.org/grpc"

	"github.com/fal-plugins/fal/pkg/controlplane/build"
	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/gateway"
	"github.com/fal-plugins/fal/pkg/controlplane/grpcapi"
	"github.com/fal-plugins/fal/pkg/controlplane/issuer"
	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Options configures Start.
type Options struct {
	// DataDir is the folder of everything that is kept: created with mode 0700
	// when missing, made private when it is not.
	DataDir string

	// Listen is the address to answer at, "127.0.0.1:0" when empty. Anything
	// but a loopback address is refused.
	Listen string

	// TLS makes the port speak TLS, under a certificate authority that is
	// created in DataDir and kept there. Without it the port is plaintext.
	TLS bool

	// Supervisor is the argv that executes a program that calls
	// runtime.Supervise.
	Supervisor []string

	// SampleArgv is the argv that executes a program that calls sample.Main;
	// needed by StartSample only.
	SampleArgv []string

	// Logger is told what the control plane does; nil discards it.
	Logger *slog.Logger

	// MaxLogBytes bounds the stored log of one runner; 0 means 256 MiB. The
	// oldest lines are dropped, and a line in the log says how many.
	MaxLogBytes int64

	// Logins, if not nil, has people to log in as, and an issuer of tokens for
	// them at the same port; keys are good as well.
	Logins *Logins
}

// Server is a running control plane. Its methods may be called from any
// goroutine.
type Server struct {
	options     Options
	logger      *slog.Logger
	lock        *flock.Flock
	db          *store.Store
	files       *files.Store
	state       *state.State
	runtime     *runtime.Runtime
	issuer      *issuer.Issuer // nil without logins
	deploys     *deploys
	fleet       *fleet
	gateway     *gateway.Gateway
	ports       *portMux
	grpc        *grpc.Server
	rest        *http.Server
	address     string
	caPath      string
	credentials Credentials
	stopping    chan struct{} // closed when Close begins
	sweeping    sync.WaitGroup
	closing     chan struct{} // has one token, for the first Close
	closed      chan struct{}
	closeErr    error
}

// Start brings a control plane up and returns when it answers. Runners that an
// earlier one left behind, however it ended, are ended first and recorded as
// such; the apps it had are run again. ctx limits the start alone. It fails
// with ErrInUse when another control plane uses the data folder, and with
// ErrSecretKey when the secrets in it cannot be read.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if o.DataDir == "" {
		return nil, errors.New("control plane: no data folder given")
	}
	if len(o.Supervisor) == 0 {
		return nil, errors.New("control plane: no supervisor given")
	}
	s := &Server{
		options:  o,
		logger:   cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
		stopping: make(chan struct{}),
		closing:  make(chan struct{}, 1),
		closed:   make(chan struct{}),
	}
	s.closing <- struct{}{}
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for i := len(undo) - 1; i >= 0; i-- {
			err = errors.Join(err, undo[i]())
		}
	}()
	if s.options.DataDir, err = prepareDir(o.DataDir); err != nil {
		return nil, err
	}
	if s.lock, err = lockDir(ctx, s.options.DataDir); err != nil {
		return nil, err
	}
	undo = append(undo, s.lock.Unlock)
	listener, err := listenLoopback(ctx, cmp.Or(o.Listen, "127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	undo = append(undo, func() error { return ignoreClosed(listener.Close()) })
	var tlsConfig *tls.Config
	if o.TLS {
		if tlsConfig, s.caPath, err = serverTLS(filepath.Join(s.options.DataDir, "tls"), time.Now()); err != nil {
			return nil, err
		}
	}
	if s.runtime, err = s.cleanRuntime(); err != nil {
		return nil, err
	}
	undo = append(undo, s.runtime.Close)
	if s.db, err = store.Open(ctx, s.path("state.db")); err != nil {
		return nil, err
	}
	undo = append(undo, s.db.Close)
	if s.files, err = files.Open(s.path("files"), s.logger); err != nil {
		return nil, fmt.Errorf("open uploaded files: %w", err)
	}
	keyFile := s.path(SecretKeyFile)
	secrets, err := openVault(ctx, s.db, keyFile, s.logger)
	if err != nil {
		return nil, err
	}
	signing, logins, err := openLogins(o.Logins, s.path(LoginKeyFile))
	if err != nil {
		return nil, err
	}
	if s.state, err = state.Open(ctx, s.db, state.Options{Logger: s.logger, MaxLogBytes: o.MaxLogBytes, Vault: secrets, Logins: logins}); err != nil {
		return nil, secretKeyError(err, keyFile)
	}
	undo = append(undo, func() error { s.state.Close(); return nil })
	if s.credentials, err = ensureCredentials(ctx, s.state, s.path("credentials")); err != nil {
		return nil, err
	}
	if o.Logins != nil {
		if s.issuer, err = s.newIssuer(ctx, signing); err != nil {
			return nil, err
		}
	}
	s.address = listener.Addr().String()
	if err = s.openDeploys(); err != nil {
		return nil, err
	}
	s.fleet = newFleet(s.state, s.runtime, s.logger, s.path("runners"))
	s.fleet.deploys = s.deploys
	s.gateway = gateway.New(s.state, gateway.Options{Logger: s.logger, TLS: o.TLS, Doubted: s.fleet.checkHealth})
	s.serve(listener, tlsConfig)
	go s.fleet.run()
	s.sweeping.Go(func() { s.deploys.run(s.stopping) })
	s.logger.Info("control plane started", "address", s.address, "tls", o.TLS, "data", s.options.DataDir)
	return s, nil
}

// openDeploys removes what no revision needs any more, before runners use it.
func (s *Server) openDeploys() error {
	s.deploys = &deploys{
		state:   s.state,
		files:   s.files,
		builder: build.New(build.Options{Dir: s.path("build"), Runtime: s.runtime, Files: s.files, Logger: s.logger}),
		logger:  s.logger,
		base:    s.baseURL(),
	}
	if err := s.deploys.prune(); err != nil {
		return fmt.Errorf("remove environments that nothing needs: %w", err)
	}
	return nil
}

// baseURL is where HTTP is answered, such as "http://127.0.0.1:41234".
func (s *Server) baseURL() string {
	if s.options.TLS {
		return "https://" + s.address
	}
	return "http://" + s.address
}

func (s *Server) path(name string) string { return filepath.Join(s.options.DataDir, name) }

// cleanRuntime ends what an earlier control plane left running.
func (s *Server) cleanRuntime() (*runtime.Runtime, error) {
	rt, err := runtime.New(runtime.Options{Supervisor: s.options.Supervisor, Dir: s.path("processes")})
	if err != nil {
		return nil, err
	}
	reaped, err := rt.Reap()
	for _, r := range reaped {
		s.logger.Info("found the process of an earlier control plane", "runner", r.ID, "outcome", r.Outcome, "killed", r.Killed)
	}
	if err == nil {
		err = os.RemoveAll(s.path("runners"))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("end what an earlier control plane left: %w", err), rt.Close())
	}
	return rt, nil
}

// serve answers gRPC and REST on one listener.
func (s *Server) serve(listener net.Listener, config *tls.Config) {
	s.ports = newPortMux(listener, config)
	s.grpc = grpcapi.New(s.state, s.fleet, s.deploys)
	s.rest = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	s.ports.serving.Go(func() {
		if err := s.grpc.Serve(s.ports.grpc); err != nil && !errors.Is(err, net.ErrClosed) {
			s.logger.Error("gRPC server ended", "error", err)
		}
	})
	s.ports.serving.Go(func() {
		if err := s.rest.Serve(s.ports.rest); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.logger.Error("REST server ended", "error", err)
		}
	})
	s.ports.start()
}

// Addr returns the address that is answered, such as "127.0.0.1:41234".
func (s *Server) Addr() string { return s.address }

// CAPath returns the PEM file of the authority that clients have to trust;
// empty without TLS.
func (s *Server) CAPath() string { return s.caPath }

// Credentials returns an ADMIN key of the first account.
func (s *Server) Credentials() Credentials { return s.credentials }

// Close ends the control plane: it accepts no more calls, gives those under
// way a second, asks every runner to end, kills what has not after its grace
// period (ten seconds at most) or when ctx ends, and closes the database. Everything that it started
// is gone when it returns. Later calls wait for the first and return the same.
func (s *Server) Close(ctx context.Context) error {
	select {
	case <-s.closing:
		s.closeErr = s.close(ctx)
		close(s.closed)
	case <-s.closed:
	}
	<-s.closed
	return s.closeErr
}

func (s *Server) close(ctx context.Context) error {
	s.state.Refuse()
	close(s.stopping)
	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	errs := []error{s.ports.close()}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.grpc.GracefulStop()
	}()
	if err := s.rest.Shutdown(brief); err != nil {
		errs = append(errs, ignoreClosed(s.rest.Close()))
	}
	select {
	case <-stopped:
	case <-brief.Done():
		s.grpc.Stop()
		<-stopped
	}
	s.gateway.Close()
	s.ports.serving.Wait()
	s.fleet.close(ctx)
	s.deploys.builder.Close()
	s.sweeping.Wait()
	errs = append(errs, s.runtime.Close())
	s.state.Close()
	errs = append(errs, s.db.Close(), s.lock.Unlock())
	s.logger.Info("control plane stopped")
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
