package apps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// noticed is how long before its deadline a request may fail for it.
const noticed = 50 * time.Millisecond

// rollout is one whose end is waited for.
type rollout struct {
	app string // by its name or whole alias
	// revision is the one that is rolled out; "" is the one that the app points
	// to at the first look.
	revision string
	// back is the revision that the app pointed to before; "" if that is not
	// known.
	back string
	same bool // the revision is what it was: fresh runners of it are wanted
	// before are the runners that it has to replace, as replaceable gives them;
	// nil if nobody looked before it began.
	before map[string]bool
	failed failures // seen so far; nil for none
}

// lookBefore looks for the runners that the rollout will have to replace: those
// that are not on their way out already, and not of the revision that is rolled
// out. An app that is not there has none.
func (r *rollout) lookBefore(ctx context.Context, inv *cli.Invocation, s *session.Session) error {
	runners, err := appRunners(ctx, inv, s, r.app)
	if err != nil && !errors.Is(err, fal.ErrNotFound) {
		return err
	}
	r.before, r.failed = map[string]bool{}, failures{}
	r.failed.take(runners)
	for _, other := range runners {
		if !other.State.Leaving() && other.Revision != r.revision {
			r.before[other.ID] = true
		}
	}
	return nil
}

func appRunners(ctx context.Context, inv *cli.Invocation, s *session.Session, app string) ([]fal.Runner, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var runners []fal.Runner
	for r, err := range s.Client.Apps.Runners(ctx, app, nil) {
		if err != nil {
			return nil, s.Error(err)
		}
		runners = append(runners, r)
	}
	return runners, nil
}

// awaitRollout looks at an app until no rollout is under way any more, its
// runners have been replaced, and one of its revision serves if it is to have
// any; it tells on a terminal how far that is. What it returns with an error is
// how far that was: when the new runners crash, when the app is gone or points
// elsewhere, or when the time is up, each with exit code 1. A service that is
// away is asked again. After Ctrl-C, and when the service refuses to answer, it
// says that the rollout goes on.
func (d dependencies) awaitRollout(ctx context.Context, inv *cli.Invocation, s *session.Session, r rollout) (view.RunnersReplaced, error) {
	started, told := d.now(), ""
	p := &rolloutProgress{name: shownName(s, r.app), revision: r.revision, before: r.before, failed: r.failed}
	err := d.until(ctx, inv, func() (bool, error) {
		apps, err := list(ctx, inv, s)
		if err != nil {
			return false, err
		}
		app, err := find(s, apps, r.app)
		if err != nil {
			return false, p.gone()
		}
		runners, err := appRunners(ctx, inv, s, r.app)
		switch {
		case errors.Is(err, fal.ErrNotFound):
			return false, p.gone()
		case err != nil:
			return false, err
		}
		over, err := p.look(app, runners)
		if text := p.standing(); text != told && !over && err == nil && inv.IO.ErrTerminal() {
			fmt.Fprintln(inv.IO.Err, text)
			told = text
		}
		if crashed := (*cli.Error)(nil); errors.As(err, &crashed) && crashed.Code == codeCrashed {
			r.failed = p.failed
			err = crashed.WithHint(remedies(ctx, inv, s, r, app, runners)...)
		}
		return over, err
	})
	far := p.far()
	far.Seconds = secondsBetween(started, d.now())
	again := inv.Typed() + " status --wait " + appWords(s, r.app)
	var failed *fal.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &failed):
		err = (&cli.Error{Code: "timeout", Message: fmt.Sprintf("the rollout of %s did not end within %s: %s", p.name, inv.Timeout, p.standing())}).WithHint(again)
	case errors.Is(err, context.Canceled), errors.As(err, &failed) && failed.Code != fal.CodeNotFound:
		fmt.Fprintf(inv.IO.Err, "the rollout of %s goes on: %s\n", iostreams.SanitizeLine(p.name), iostreams.SanitizeLine(again))
	}
	return far, err
}

// codeCrashed is the word for programs of a rollout whose new runners crash.
const codeCrashed = "crashed"

func secondsBetween(a, b time.Time) int { return max(int(b.Sub(a)/time.Second), 0) }

// until looks again and again until it is over or an error says why it never
// will be. A service that is away is asked again, which is said once. It returns
// the context's own error when that ends first, also when it was a request that
// noticed.
func (d dependencies) until(ctx context.Context, inv *cli.Invocation, look func() (bool, error)) error {
	isAway := false
	for {
		over, err := look()
		var failed *fal.Error
		if errors.As(err, &failed) {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < noticed {
				<-ctx.Done() // gRPC notices the same deadline a moment earlier
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		was := isAway
		if isAway = away(err); isAway != was {
			text := "the service answers again"
			if isAway {
				text = fmt.Sprintf("%s; trying again every %s", err, d.poll)
			}
			fmt.Fprintln(inv.IO.Err, inv.IO.PaintErr(iostreams.Dim, "notice: "+iostreams.SanitizeLine(text)))
		}
		if over || err != nil && !isAway {
			return err
		}
		timer := time.NewTimer(d.poll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// away reports whether an error is that of a service that may answer later.
func away(err error) bool {
	if cli.ExitCode(err) == cli.ExitUnavailable {
		return true
	}
	var failed *fal.Error
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Code {
	case fal.CodeUnknown, fal.CodeInternal, fal.CodeAborted, fal.CodeResourceExhausted:
		return true
	}
	return false
}

// rolloutProgress is what was seen of a rollout so far.
type rolloutProgress struct {
	name     string // as people are told it
	revision string
	before   map[string]bool
	old      map[string]bool // whoever had to be replaced at some look
	left     int             // of them
	failed   failures

	// What the last look saw, if there was one.
	looked                     bool
	ending                     int // of those that were replaced, or are of no use
	starting, serving, crashed int // of the new ones
	due                        bool
}

// look takes in what the service says now, and reports whether the rollout is
// over.
func (p *rolloutProgress) look(app fal.AppInfo, runners []fal.Runner) (bool, error) {
	if p.revision == "" {
		p.revision = app.Revision
	}
	if p.old == nil {
		p.old = make(map[string]bool)
		for id := range p.before {
			p.old[id] = true
		}
	}
	if app.Revision != p.revision {
		return false, &cli.Error{Code: "superseded", Message: fmt.Sprintf("%s points to revision %s now, and not to %s any more", p.name, app.Revision, p.revision)}
	}
	p.looked, p.left, p.ending, p.serving, p.starting, p.crashed = true, 0, 0, 0, 0, 0
	if p.failed == nil {
		p.failed = failures{}
	}
	p.failed.take(runners)
	crashed := ""
	for _, r := range runners {
		if r.State.Leaving() && r.State != fal.RunnerTerminated {
			p.ending++
		}
		switch {
		case r.State == fal.RunnerTerminated:
		case p.mustGo(r):
			p.old[r.ID] = true
			p.left++
		case r.State == fal.RunnerCrashBackoff:
			crashed = r.ID
			p.crashed++
		case r.State.Serves():
			p.serving++
		case r.State == fal.RunnerPending, r.State == fal.RunnerDockerPull, r.State == fal.RunnerSetup:
			p.starting++
		}
	}
	// One that crashes while others serve may yet come up.
	if crashed != "" && p.serving == 0 {
		return false, &cli.Error{Code: codeCrashed, Message: fmt.Sprintf("app %s: revision %s crashes, its runner %s is in CRASH_BACKOFF", p.name, p.revision, crashed)}
	}
	// Where the old ones end first, or there was none, the revision has not
	// taken over before one of its own serves.
	p.due = min(app.MinConcurrency, app.MaxConcurrency) > 0
	served := p.serving > 0 || p.starting == 0 && !p.due
	return !app.Rolling && p.left == 0 && served, nil
}

// mustGo reports whether a runner has no place in the app once the rollout is
// over.
func (p *rolloutProgress) mustGo(r fal.Runner) bool {
	return r.Revision != p.revision || r.Replacement == fal.RunnerWillReplace || p.before[r.ID] && !r.State.Leaving()
}

func (p *rolloutProgress) far() view.RunnersReplaced {
	total := max(len(p.old), len(p.before))
	return view.RunnersReplaced{Replaced: total - p.left, Total: total}
}

// standing says what is still awaited.
func (p *rolloutProgress) standing() string {
	if !p.looked {
		return "the service did not answer"
	}
	var parts []string
	if far := p.far(); far.Replaced < far.Total {
		parts = append(parts, far.Text("replaced"))
	}
	if p.ending > 0 {
		parts = append(parts, view.Count(p.ending, "old runner")+" still ending")
	}
	if p.crashed > 0 {
		parts = append(parts, view.Count(p.crashed, "new runner")+" in CRASH_BACKOFF")
	}
	switch {
	case p.starting > 0:
		parts = append(parts, view.Count(p.starting, "new runner")+" still starting")
	case p.due && p.serving+p.crashed == 0:
		parts = append(parts, "no new runner yet")
	}
	if len(parts) == 0 {
		return "the service says that it is still under way"
	}
	return strings.Join(parts, ", ")
}

func (p *rolloutProgress) gone() error {
	return &cli.Error{Code: "deleted", Message: p.name + " was deleted while its rollout was waited for"}
}
