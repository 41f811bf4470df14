package view

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func sdkDeployment() (*fal.Deployment, fal.App) {
	keepAlive := 2 * time.Minute
	return &fal.Deployment{
			Revision: "66666666-0000-4000-8000-000000000001", Name: "check\x1bout", Environment: "staging", AuthMode: fal.AuthShared,
			Before:    &fal.AppInfo{Revision: "5", AppSettings: fal.AppSettings{KeepAlive: 10 * time.Second, MaxConcurrency: 4, RequestTimeout: time.Hour, Regions: []string{"us-east"}}},
			Endpoints: []string{"/", "/b"}, URLs: fal.ServiceURLs{Run: "https://fal.run/me/checkout--staging", Log: "https://logs.example"},
			Phases: []fal.PhaseDuration{{Phase: fal.DeployBuild, Duration: 1234567 * time.Microsecond}},
		}, fal.App{
			KeepAlive: &keepAlive, MinConcurrency: new(1),
		}
}

func TestDeploymentGolden(t *testing.T) {
	for _, format := range []output.Format{output.JSON, output.YAML, output.Pretty} {
		streams, _, out, _ := iostreams.Test()
		p := output.New(streams, output.Options{Format: format, Explicit: true})
		d, app := sdkDeployment()
		v := NewDeployment(d, app, false, 1500*time.Microsecond)
		if err := output.Object(t.Context(), p, v, func(w io.Writer) error { return v.WriteText(w, p, AllURLs) }); err != nil {
			t.Fatal(err)
		}
		golden(t, "deployment."+string(format), out.Bytes())
	}
	d, app := sdkDeployment()
	v := NewDeployment(d, app, false, 0)
	want := "kept from before: valid_regions us-east (code: any), min_concurrency 0 (code: 1), max_concurrency 4 (code: 2), keep_alive 10s (code: 2m); --reset-scale takes them from the code"
	if got := v.InheritedNote(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if v := NewDeployment(d, app, true, 0); len(v.Inherited) > 0 || v.InheritedNote() != "" {
		t.Errorf("inherited %v", v.Inherited)
	}
}

func TestDeploymentsGolden(t *testing.T) {
	d, app := sdkDeployment()
	done := NewDeployment(d, app, true, 0)
	failed := NewFailedDeployment(FailedDeployment{
		App: "search", Phases: []fal.PhaseDuration{{Phase: DeployLoad, Duration: time.Second}, {Phase: fal.DeployBuild, Duration: 2 * time.Second}}, Err: io.ErrUnexpectedEOF,
	})
	for _, format := range output.Formats() {
		streams, _, out, errout := iostreams.Test()
		p := output.New(streams, output.Options{Format: format, Explicit: true})
		if err := output.List(t.Context(), p, Deployments(), []Deployment{done, failed}); err != nil {
			t.Fatal(err)
		}
		golden(t, "deployments."+string(format), append(out.Bytes(), errout.Bytes()...))
		if bytes.Contains(out.Bytes(), []byte("\x1b")) && format == output.Pretty {
			t.Error("a control character in a table")
		}
	}
}

func TestDeployLogText(t *testing.T) {
	for _, tt := range []struct{ level, message, want string }{
		{"INFO", "\x1b[1mStep\x1b[0m 1\r\n", "Step 1"},
		{"STDOUT", "[rank0]: x\x07", `[rank0]: x\x07`},
		{"error", "no\nspace", "ERROR no\nspace"},
		{"ODD\x1b", "x", `ODD\x1b x`},
		{"", "", ""},
	} {
		if got := DeployLogText(fal.DeployLog{Level: tt.level, Message: tt.message}); got != tt.want {
			t.Errorf("%q %q: %q, want %q", tt.level, tt.message, got, tt.want)
		}
	}
}

func TestURLChoiceOf(t *testing.T) {
	for word, want := range map[string]URLChoice{"": AllURLs, "all": AllURLs, "playground": PlaygroundURLs, "none": NoURLs, "x": AllURLs} {
		if got := URLChoiceOf(word); got != want {
			t.Errorf("%q: %d, want %d", word, got, want)
		}
	}
}

// Who reads that a deployment failed can tell whether production moved.
func TestFailedDeployment(t *testing.T) {
	moved := NewFailedDeployment(FailedDeployment{App: "a", Environment: "staging", Revision: "r2", Previous: "r1", AuthMode: new(fal.AuthShared), Err: io.EOF})
	if moved.Revision != "r2" || moved.PreviousRevision == nil || *moved.PreviousRevision != "r1" || moved.AuthMode != "shared" || moved.Status != DeployFailed || moved.EnvironmentName != "staging" {
		t.Errorf("%+v", moved)
	}
	if stayed := NewFailedDeployment(FailedDeployment{App: "a", Err: io.EOF}); stayed.Revision != "" || stayed.PreviousRevision != nil || stayed.AuthMode != "" || *stayed.Error != "EOF" {
		t.Errorf("%+v", stayed)
	}
}

// A plan without a file, and JSON that is none, are shown as they are.
func TestPlanText(t *testing.T) {
	p := &fal.DeployPlan{Build: []byte("{oops"), Register: []byte(`{"a": "\u003cb\u003e", "n": 12345678901234567890}`), After: fal.AppInfo{}}
	v := NewPlannedDeployment(p, fal.App{Name: "a"}, "staging", false, 0)
	lines := strings.Join(append(DeploySummary{Deployment: v, Strategy: "recreate", NoCache: true, Attach: new(false)}.Lines(), v.PlanLines()...), "\n")
	for _, want := range []string{"a in staging\n", "  rollout                  goes on by itself", "  build cache              not used", "  files                    none", "BuildEnvironment\n  {oops", "\n    \"a\": \"<b>\",\n    \"n\": 12345678901234567890\n"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1<<20 - 1: "1.0 MiB", 12<<20 + 1<<19: "12.5 MiB", 1 << 30: "1.0 GiB", 1 << 62: "4194304.0 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
}
