package state

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// The bounds of what is deployed.
const (
	maxFiles         = 100_000
	maxFilePath      = 4096     // bytes
	maxConfiguration = 4 << 20  // bytes as JSON
	maxOpenAPI       = 8 << 20  // bytes as JSON
	maxSourceCode    = 1 << 20  // bytes
	maxRetryConfig   = 16 << 10 // bytes
	maxMounts        = 64
	maxThreshold     = 1000 // of a health check
)

// Deploy makes spec the current revision of the caller's app of its name, as
// RegisterApp does. first says that there was no such app.
func (s *State) Deploy(ctx context.Context, caller Caller, spec AppSpec) (app *App, first bool, err error) {
	spec.Account = caller.Account.Nickname
	defer s.changing(spec.Name)()
	if app, err = s.compose(spec); err != nil {
		return nil, false, err
	}
	_, known := s.aliased(app.Account, app.Alias)
	if err := s.putApp(ctx, app, true); err != nil {
		return nil, false, err
	}
	return app, !known, nil
}

// Check says what Deploy would find wrong with a spec.
func (s *State) Check(caller Caller, spec AppSpec) error {
	spec.Account = caller.Account.Nickname
	_, err := s.compose(spec)
	return err
}

// Prospect returns an app of the caller as far as its secrets go, whether it
// exists or not. An empty alias is that of no app yet.
func (s *State) Prospect(caller Caller, environment, alias string, secrets []string) (*App, error) {
	var err error
	if alias == "" {
		environment, err = s.environment(caller.Account.ID, environment)
	} else {
		environment, err = s.checkAlias(caller.Account.ID, environment, alias)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range secrets {
		if err := checkSecretName(name); err != nil {
			return nil, err
		}
	}
	return &App{
		App: store.App{Account: caller.Account.ID, Alias: alias, Environment: environment},
		Rev: store.Revision{Account: caller.Account.ID, App: alias, Environment: environment, Secrets: secrets},
	}, nil
}

// Launches returns what every deployed revision is made of, in no order.
func (s *State) Launches() []Launch { return s.launches(func(*Revision) bool { return true }) }

// LaunchesOfApps are those of the revisions whose app is there, or that an app points
// to, and those that run.
func (s *State) LaunchesOfApps() []Launch {
	s.mu.RLock()
	current := make(map[string]bool, len(s.apps))
	apps := make(map[appName]bool, len(s.apps))
	for name, app := range s.apps {
		current[app.Rev.RevisionID], apps[name] = true, true
	}
	s.mu.RUnlock()
	return s.launches(func(r *Revision) bool { return current[r.RevisionID] || apps[appName{r.Account, r.App}] })
}

func (s *State) launches(counts func(*Revision) bool) []Launch {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var launches []Launch
	for _, r := range s.revisions {
		if r.Launch.Deployed() && counts(r) {
			launches = append(launches, r.Launch)
		}
	}
	for _, r := range s.live {
		if r.app != nil && r.app.Rev.Launch.Deployed() {
			launches = append(launches, r.app.Rev.Launch)
		}
	}
	return launches
}

// checkDeployed checks what a deployed app has and others do not.
func (spec *AppSpec) checkDeployed() error {
	if !spec.Launch.Deployed() {
		return nil
	}
	l := &spec.Launch
	switch {
	case len(spec.Argv) > 0:
		return fail(Invalid, "app %s has a command, and an environment to make one of", spec.Name)
	case l.Function != nil && l.Entrypoint != "":
		return fail(Invalid, "app %s has a function and an entry point: one of both is called", spec.Name)
	case len(l.Files) > maxFiles:
		return fail(Invalid, "there are %d files, %d is the most", len(l.Files), maxFiles)
	case len(l.DataMounts) > maxMounts:
		return fail(Invalid, "there are %d data mounts, %d is the most", len(l.DataMounts), maxMounts)
	case len(spec.SourceCode) > maxSourceCode:
		return fail(Invalid, "the source code has %d bytes, %d is the most", len(spec.SourceCode), maxSourceCode)
	}
	if err := checkFiles(l.Files); err != nil {
		return err
	}
	if err := checkJSON("the environment's configuration", l.Configuration, maxConfiguration); err != nil {
		return err
	}
	if err := checkJSON("the app's openapi", spec.OpenAPI, maxOpenAPI); err != nil {
		return err
	}
	return checkServing(&spec.Serving)
}

// checkFiles refuses what is not below the folder of the app, and two files of
// one path.
func checkFiles(files []File) error {
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if err := CheckFilePath(f.Path); err != nil {
			return err
		}
		if seen[f.Path] {
			return fail(Invalid, "there are two files %.200q", f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}

// CheckFilePath refuses a path that is not one of a file below the folder of an
// app.
func CheckFilePath(path string) error {
	ok := path != "" && len(path) <= maxFilePath && utf8.ValidString(path) && !strings.ContainsAny(path, "\\\x00")
	for part := range strings.SplitSeq(path, "/") {
		ok = ok && part != "" && part != "." && part != ".."
	}
	if !ok {
		return fail(Invalid, "%.200q is no path of a file below the folder of an app", path)
	}
	return nil
}

func checkJSON(what string, value map[string]any, most int) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fail(Invalid, "%s: %v", what, err)
	}
	if len(text) > most {
		return fail(Invalid, "%s has %d bytes as JSON, %d is the most", what, len(text), most)
	}
	return nil
}

func checkServing(s *Serving) error {
	for name, port := range map[string]*int{"exposed_port": s.ExposedPort, "metrics_port": s.MetricsPort} {
		if port != nil && (*port < 0 || *port > 65535) {
			return fail(Invalid, "%s is %d, and must be 0 to 65535", name, *port)
		}
	}
	if len(s.RetryConfig) > maxRetryConfig || s.RetryConfig != "" && !json.Valid([]byte(s.RetryConfig)) {
		return fail(Invalid, "retry_config is no JSON of at most %d bytes", maxRetryConfig)
	}
	h := s.HealthCheck
	if h == nil {
		return nil
	}
	switch {
	case !strings.HasPrefix(h.Path, "/") || len(h.Path) > maxFilePath:
		return fail(Invalid, "the path of the health check, %.200q, does not begin with a slash", h.Path)
	case !isRequestPath(h.Path):
		return fail(Invalid, "the path of the health check, %.200q, cannot be asked for", h.Path)
	case h.Method != "GET" && h.Method != "POST":
		return fail(Invalid, "the method of the health check is GET or POST, not %.80q", h.Method)
	case h.FailureThreshold < 1 || h.FailureThreshold > maxThreshold:
		return fail(Invalid, "failure_threshold is %d, and must be 1 to %d", h.FailureThreshold, maxThreshold)
	}
	if err := checkDuration("start_period_seconds", h.StartPeriod, true); err != nil {
		return err
	}
	return checkDuration("timeout_seconds", h.Timeout, false)
}

func isRequestPath(path string) bool {
	_, err := url.ParseRequestURI(path)
	return err == nil && utf8.ValidString(path) && !strings.ContainsFunc(path, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}

// Progress is how far an app has come to a revision.
type Progress struct {
	// Settled: its runners are all of that revision, but for those that drain with
	// requests in flight, and as many are up as it keeps at all times.
	Settled bool
	// Superseded: the app points to another revision, or is no more.
	Superseded bool
	// Runners are those of the revision that have not ended, in no order.
	Runners []*Runner
}

// Failed returns a runner that could not be started; nil when there is none.
func (p *Progress) Failed() *Runner {
	for _, r := range p.Runners {
		if r.State == FailureDelay {
			return r
		}
	}
	return nil
}

// Progress returns how far the app has come to the revision that it had.
func (s *State) Progress(app *App) Progress {
	name := appName{app.Account, app.Alias}
	s.mu.RLock()
	defer s.mu.RUnlock()
	current, exists := s.apps[name]
	if !exists || current.Rev.RevisionID != app.Rev.RevisionID {
		return Progress{Superseded: true}
	}
	p := Progress{}
	a := activity{}
	up := 0
	for _, r := range s.live {
		if r.row.Account != app.Account || r.row.Alias != app.Alias {
			continue
		}
		if r.state() != Draining || len(r.leases) == 0 {
			a.count(r, current)
		}
		if r.row.RevisionID == app.Rev.RevisionID {
			p.Runners = append(p.Runners, s.view(r))
			if r.state() == Idle {
				up++
			}
		}
	}
	p.Settled = !a.rolling && up >= s.kept(current)
	return p
}

// String says it for a log.
func (p Progress) String() string {
	up := 0
	for _, r := range p.Runners {
		if r.State == Idle || r.State == Running {
			up++
		}
	}
	return fmt.Sprintf("%d of %d runners of the revision are up", up, len(p.Runners))
}

// HealthDefaults are the service's.
func HealthDefaults(path string) HealthCheck {
	return HealthCheck{
		Path:             path,
		Method:           "GET",
		StartPeriod:      30 * time.Second,
		Timeout:          5 * time.Second,
		FailureThreshold: 3,
		CallRegularly:    true,
	}
}
