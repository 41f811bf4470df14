package controlplane

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/loopback"
	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// The pace of asking a process whether it is ready.
const (
	firstProbe = 10 * time.Millisecond
	probePause = 500 * time.Millisecond
)

// tellAfter is how long a process may take before its log says why it is not ready.
const tellAfter = 10 * time.Second

// awaitReady returns the port on which the process is ready, or why it will not
// be.
func (k *keeper) awaitReady(process *runtime.Process, l *startup) (int, error) {
	ctx, cancel := living(process)
	defer cancel()
	prober := newProber()
	defer prober.close()
	deadline := time.Now().Add(k.app.StartupTimeout)
	pause := time.NewTimer(0)
	defer pause.Stop()
	tellFrom := time.Now().Add(min(tellAfter, k.app.StartupTimeout/2))
	var told string
	for wait := firstProbe; ; wait = min(2*wait, probePause) {
		select {
		case <-process.Done():
			return 0, fmt.Errorf("%s before it was ready%s", describe(process.Exit()), l.occupied())
		case <-pause.C:
		}
		// A process that was asked to end is waited for; its grace period counts.
		if !k.asked() {
			if port, err := k.answering(ctx, prober, process, l); port != 0 {
				return port, nil
			} else if !time.Now().Before(deadline) && !k.asked() {
				return 0, fmt.Errorf("not ready within %s: %v%s", k.app.StartupTimeout, err, l.occupied())
			} else if err != nil && !l.strays.told && time.Now().After(tellFrom) && err.Error() != told && !k.asked() {
				told = err.Error()
				k.say(state.LevelWarning, fmt.Sprintf("not ready so far, which may take %s: %s", k.app.StartupTimeout, told))
			}
		}
		pause.Reset(wait)
	}
}

// living returns a context that ends with a process.
func living(process *runtime.Process) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-process.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// answering returns the port on which the process answers, and what is wrong
// otherwise: the one that it was given first. On the other one it has to be the
// process that listens, as far as the system tells: on Linux. The one that it was
// given was free, and what it delegates to, such as a container, may listen there.
func (k *keeper) answering(ctx context.Context, p *prober, process *runtime.Process, l *startup) (int, error) {
	err := k.probe(ctx, p, l.port)
	if err == nil {
		return l.port, nil
	}
	if l.wanted != 0 && l.isTaken() {
		k.fleet.fixed.decline(k.runner.ID, k.runner.Revision)
		l.fixed, l.wanted = 0, 0
	}
	if l.fixed == 0 && l.wanted != 0 {
		if own, _ := process.Listens(l.wanted); own {
			// Whoever asked for the port before was not as quick.
			k.fleet.fixed.take(l.wanted, k.runner.ID, appKey(k.runner.Account, k.runner.Alias))
			l.fixed = l.wanted
		}
	}
	if l.fixed == 0 {
		k.claim(l) // what was there may have gone before the process bound it
	}
	if l.fixed != 0 && !p.open(ctx, l.port) {
		if err = k.probe(ctx, p, l.fixed); err == nil {
			if own, unknown := process.Listens(l.fixed); own || unknown != nil {
				return l.fixed, nil
			}
			err = fmt.Errorf("what listens on port %d is another program", l.fixed)
		}
	}
	if l.fixed != 0 && p.open(ctx, l.fixed) {
		return 0, err
	}
	stray, why := k.astray(ctx, p, process, l)
	if why != nil {
		err = why
	}
	return stray, err
}

// isTaken reports whether the process was seen to take the port that it was given.
func (l *startup) isTaken() bool {
	if l.taken == "" {
		return false
	}
	_, err := os.Stat(l.taken)
	return err == nil
}

// probe asks whether what listens on a port is ready: a health check that is asked
// for by requests alone is not asked, and an open port is enough.
func (k *keeper) probe(ctx context.Context, p *prober, port int) error {
	rev := &k.app.Rev
	switch check := rev.Serving.HealthCheck; {
	case !k.asks():
	case check != nil:
		return p.ask(ctx, check.Method, port, check.Path, check.Timeout)
	default:
		return p.ask(ctx, http.MethodGet, port, rev.HealthPath, probeTimeout)
	}
	if p.open(ctx, port) {
		return nil
	}
	return fmt.Errorf("nothing listens on port %d", port)
}

// asks reports whether a probe is a request.
func (k *keeper) asks() bool {
	rev := &k.app.Rev
	if check := rev.Serving.HealthCheck; check != nil {
		return check.CallRegularly
	}
	return rev.HealthPath != ""
}

// occupied adds to why a process did not get ready that the port that it may bind
// was not free.
func (l *startup) occupied() string {
	if l.wanted == 0 || l.fixed != 0 {
		return ""
	}
	return fmt.Sprintf("; port %d, which it may bind instead of $PORT, was in use when it was started", l.wanted)
}

// prober asks processes whether they are well.
type prober struct{ client *http.Client }

func newProber() *prober {
	return &prober{&http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialLoopback},
		// Where an answer leads to is not the process that is asked.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *prober) close() { p.client.CloseIdleConnections() }

func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := loopback.Dial(ctx, network, address)
	if err != nil {
		return nil, err // and no nil of another type
	}
	return conn, nil
}

// open reports whether something listens on a port.
func (p *prober) open(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := loopback.Dial(ctx, "tcp", loopback.Address(port))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// speaks reports whether HTTP is answered on a port, in whatever way. What is asked is
// about the server as a whole and concerns no endpoint of an app.
func (p *prober) speaks(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodOptions, "http://"+loopback.Address(port), nil)
	if err != nil {
		return false
	}
	request.URL.Opaque = "*"
	response, err := p.client.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return true
}

// ask returns nil if a path is answered with success in time.
func (p *prober) ask(ctx context.Context, method string, port int, path string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("{}")
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+loopback.Address(port)+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := p.client.Do(request)
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return fmt.Errorf("%s %s was not answered within %s", method, path, timeout)
	case err != nil:
		return fmt.Errorf("%s %s: nothing answers on port %d", method, path, port)
	}
	response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("%s %s was answered with %s", method, path, response.Status)
	}
	return nil
}

func describe(exit runtime.ExitStatus) string {
	switch {
	case exit.Signal != "":
		return "process ended by " + exit.Signal
	case exit.Err != nil && exit.Code < 0:
		return "process ended: " + exit.Err.Error()
	default:
		return fmt.Sprintf("process exited with code %d", exit.Code)
	}
}
