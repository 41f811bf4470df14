package doctor

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/view"
)

func statuses(rows []view.Check) string {
	var words []string
	for _, r := range rows {
		words = append(words, r.Check+":"+r.Status)
	}
	return strings.Join(words, " ")
}

func always(f finding) func(context.Context) finding {
	return func(context.Context) finding { return f }
}

func TestChecksBehindAFailureAreSkipped(t *testing.T) {
	dns := &check{name: "dns", run: always(failed("no", "hint"))}
	tcp := &check{name: "tcp", after: []*check{dns}, run: func(context.Context) finding { t.Error("tcp ran"); return ok("") }}
	tls := &check{name: "tls", after: []*check{tcp}, run: func(context.Context) finding { t.Error("tls ran"); return ok("") }}
	nothing := &check{name: "nothing", run: always(skipped("nothing there"))}
	behind := &check{name: "behind", after: []*check{nothing}, run: always(warning("so so", ""))}
	rows := slices.Collect(examine(t.Context(), []*check{dns, tcp, tls, nothing, behind}))
	if got := statuses(rows); got != "dns:failed tcp:skipped tls:skipped nothing:skipped behind:warning" {
		t.Error(got)
	}
	if rows[1].Found != "not tried, because of dns" || rows[2].Found != "not tried, because of dns" || *rows[0].Hint != "hint" {
		t.Errorf("%+v", rows)
	}
}

// Two checks that wait for each other come to an end when they run at the same
// time, and are given in their order all the same.
func TestIndependentChecksRunAtTheSameTime(t *testing.T) {
	first, second := make(chan struct{}), make(chan struct{})
	meet := func(mine, other chan struct{}) func(context.Context) finding {
		return func(ctx context.Context) finding {
			close(mine)
			select {
			case <-other:
				return ok("")
			case <-ctx.Done():
				return failed("alone", "")
			}
		}
	}
	rows := slices.Collect(examine(t.Context(), []*check{
		{name: "a", limit: time.Minute, run: meet(first, second)}, {name: "b", limit: time.Minute, run: meet(second, first)},
	}))
	if got := statuses(rows); got != "a:ok b:ok" {
		t.Error(got)
	}
}

func hanging(found string) func(context.Context) finding {
	return func(ctx context.Context) finding {
		<-ctx.Done()
		return failed(found, "")
	}
}

func TestChecksAreBounded(t *testing.T) {
	rows := slices.Collect(examine(t.Context(), []*check{{name: "a", limit: time.Millisecond, run: hanging("no answer")}, {name: "b", run: always(ok(""))}}))
	if got := statuses(rows); got != "a:failed b:ok" {
		t.Error(got)
	}

	// --timeout ends all of them, and what needs no network is done.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	slow := &check{name: "slow", limit: time.Hour, run: func(ctx context.Context) finding { <-ctx.Done(); return ok("") }}
	rows = slices.Collect(examine(ctx, []*check{slow,
		{name: "late", limit: time.Hour, after: []*check{slow}, run: func(context.Context) finding { t.Error("late ran"); return ok("") }},
		{name: "here", after: []*check{slow}, run: always(ok(""))}}))
	if got := statuses(rows); got != "slow:ok late:failed here:ok" || !strings.Contains(rows[1].Found, "--timeout") {
		t.Error(got, rows)
	}
}

func TestAnInterruptEndsTheChecks(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Add(1)
	go func() { running.Wait(); cancel() }()
	rows := slices.Collect(examine(ctx, []*check{{name: "a", limit: time.Hour, run: func(ctx context.Context) finding {
		running.Done()
		<-ctx.Done()
		return failed("", "")
	}}}))
	if len(rows) > 0 {
		t.Error(rows)
	}
	for range examine(t.Context(), []*check{{name: "a", run: always(ok(""))}, {name: "b", limit: time.Hour, run: hanging("")}}) {
		break // whoever reads no more ends them too
	}
}
