package view

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// AppStatus is what `apps status` prints as JSON: how far a rollout is.
type AppStatus struct {
	Alias           string `json:"alias"` // with the suffix of its environment
	Name            string `json:"name"`
	EnvironmentName string `json:"environment_name"`
	Revision        string `json:"revision"`
	Status          string `json:"status"` // settled, rolling, failed
	IsRolling       bool   `json:"is_rolling"`
	ActiveRunners   int    `json:"active_runners"`
	// ToBeReplaced is the number of runners that are scheduled for replacement.
	ToBeReplaced int           `json:"to_be_replaced"`
	Runners      []RunnerGroup `json:"runners"`

	starting bool
}

// RunnerGroup counts the runners of one revision that are in one state.
type RunnerGroup struct {
	Revision     string `json:"revision"`
	Current      bool   `json:"current"` // it is the revision of the app
	State        string `json:"state"`
	ToBeReplaced bool   `json:"to_be_replaced"`
	Count        int    `json:"count"`
}

// What a rollout has come to.
const (
	StatusSettled = "settled"
	StatusRolling = "rolling"
	StatusFailed  = "failed"
)

// NewAppStatus sums up an app and its runners. A rollout is under way as long
// as the service says so, a runner is to be replaced, or none of its revision serves
// though some are to run at any time, and has failed when,
// of the runners of its revision that are to stay, one crashes over and over
// and none serves.
func NewAppStatus(a fal.AppInfo, runners []fal.Runner) AppStatus {
	v := AppStatus{
		Alias: a.Alias, Name: a.Name(), EnvironmentName: a.Environment, Revision: a.Revision,
		IsRolling: a.Rolling, ActiveRunners: a.ActiveRunners, Status: StatusSettled,
	}
	counts := map[RunnerGroup]int{}
	serving, crashing, starting := 0, 0, 0
	for _, r := range runners {
		if r.State == fal.RunnerTerminated {
			continue
		}
		g := RunnerGroup{Revision: r.Revision, Current: r.Revision == a.Revision, State: r.State.String(), ToBeReplaced: r.Replacement == fal.RunnerWillReplace}
		counts[g]++
		if g.ToBeReplaced {
			v.ToBeReplaced++
		}
		if !g.Current || g.ToBeReplaced {
			continue
		}
		switch r.State {
		case fal.RunnerRunning, fal.RunnerIdle:
			serving++
		case fal.RunnerCrashBackoff:
			crashing++
		case fal.RunnerPending, fal.RunnerDockerPull, fal.RunnerSetup:
			starting++
		}
	}
	v.starting = starting > 0 && serving+crashing == 0
	v.Runners = make([]RunnerGroup, 0, len(counts))
	for g, n := range counts {
		g.Count = n
		v.Runners = append(v.Runners, g)
	}
	slices.SortFunc(v.Runners, func(a, b RunnerGroup) int {
		return cmp.Or(trueFirst(a.Current, b.Current), strings.Compare(a.Revision, b.Revision), strings.Compare(a.State, b.State), trueFirst(b.ToBeReplaced, a.ToBeReplaced))
	})
	switch {
	case crashing > 0 && serving == 0:
		v.Status = StatusFailed
	case v.IsRolling, v.ToBeReplaced > 0, serving == 0 && a.MinConcurrency > 0:
		v.Status = StatusRolling
	}
	return v
}

// Starting reports whether all that the app has of its revision are runners
// that start: for the first time, or once more after a crash, which nobody can
// see.
func (v AppStatus) Starting() bool { return v.starting }

// Print prints the status in the format that was asked for.
func (v AppStatus) Print(ctx context.Context, p *output.Printer) error {
	return output.Object(ctx, p, v, func(w io.Writer) error { return v.WriteText(w, p) })
}

// statusText is what has become of a rollout in words.
func statusText(status string) (string, iostreams.Style) {
	switch status {
	case StatusRolling:
		return "rolling out", iostreams.Yellow
	case StatusFailed:
		return "failed: runners of the current revision crash", iostreams.Red
	}
	return "settled", iostreams.Green
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// WriteText writes the status for people.
func (v AppStatus) WriteText(w io.Writer, p *output.Printer) error {
	text, style := statusText(v.Status)
	fields := []output.Field{{Name: "App", Value: v.Name}}
	if environment := shownEnvironment(v.EnvironmentName); environment != "" {
		fields = append(fields, output.Field{Name: "Environment", Value: environment})
	}
	fields = append(fields, output.Field{Name: "Rollout", Value: text, Style: style}, output.Field{Name: "Revision", Value: v.Revision})
	if v.ToBeReplaced > 0 {
		fields = append(fields, output.Field{Name: "To be replaced", Value: Count(v.ToBeReplaced, "runner")})
	}
	if len(v.Runners) == 0 {
		fields = append(fields, output.Field{Name: "Runners", Value: "none"})
	}
	if err := p.Fields(w, fields...); err != nil {
		return err
	}
	var b strings.Builder
	for i, g := range v.Runners {
		if i == 0 || g.Revision != v.Runners[i-1].Revision {
			heading := "Runners of " + g.Revision
			if g.Current {
				heading += ", current"
			}
			b.WriteString("\n" + p.Paint(iostreams.Bold, iostreams.SanitizeLine(heading)) + "\n")
		}
		b.WriteString("  " + g.line(p) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (g RunnerGroup) line(p *output.Printer) string {
	line := strconv.Itoa(g.Count) + " " + p.Paint(runnerStyle(Runner{State: g.State}), iostreams.SanitizeLine(g.State))
	if g.ToBeReplaced {
		line += ", to be replaced"
	}
	return line
}
