package doctor

import (
	"context"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/view"
)

// A check looks at one thing.
type check struct {
	name string
	host string // host:port of what it is about, or ""
	// after are the checks without which this one can find nothing: it is
	// skipped when one of them failed, or was skipped for that reason.
	after []*check
	// limit bounds it; 0 for none.
	limit time.Duration
	run   func(context.Context) finding

	finding finding
	done    chan struct{}
}

// A finding is what a check has come to.
type finding struct {
	status string // of view.Check
	found  string // a line, or several
	hint   string
	// roundTrip is how long an answer took, or 0.
	roundTrip time.Duration
	// blockedBy is the check that failed, of one that was skipped for it.
	blockedBy string
}

func ok(found string) finding { return finding{status: view.CheckOK, found: found} }

func warning(found, hint string) finding {
	return finding{status: view.CheckWarning, found: found, hint: hint}
}

func failed(found, hint string) finding {
	return finding{status: view.CheckFailed, found: found, hint: hint}
}

// because is a check that cannot be made, because of what another one found.
func because(of string) finding {
	return finding{status: view.CheckSkipped, found: "not tried, because of " + of, blockedBy: of}
}

func skipped(found string) finding { return finding{status: view.CheckSkipped, found: found} }

// examine makes all checks, at the same time as far as they do not need each
// other, and gives what they found in their order, each as soon as it and those
// before it are known. It returns when no check runs any more.
func examine(ctx context.Context, checks []*check) iter.Seq[view.Check] {
	return func(yield func(view.Check) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		for _, c := range checks {
			c.done = make(chan struct{})
		}
		for _, c := range checks {
			running.Go(func() {
				defer close(c.done)
				c.finding = c.examine(ctx)
			})
		}
		for _, c := range checks {
			<-c.done
			if ctx.Err() == context.Canceled || !yield(c.row()) {
				return
			}
		}
	}
}

func (c *check) examine(ctx context.Context) finding {
	for _, before := range c.after {
		<-before.done
		by := before.finding.blockedBy
		if before.finding.status == view.CheckFailed {
			by = before.name
		}
		if by != "" {
			return because(by)
		}
	}
	if c.limit > 0 {
		if ctx.Err() != nil {
			return failed("--timeout was over before it could be tried", "")
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.limit)
		defer cancel()
	}
	return c.run(ctx)
}

func (c *check) row() view.Check {
	f := c.finding
	row := view.Check{Check: c.name, Status: f.status, Found: f.found}
	if c.host != "" {
		row.Host = &c.host
	}
	if f.hint != "" {
		row.Hint = &f.hint
	}
	if f.roundTrip > 0 {
		ms := math.Max(0.1, math.Round(float64(f.roundTrip)/float64(time.Millisecond)*10)/10)
		row.RoundTrip = &ms
	}
	return row
}
