package restapi

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func TestMetrics(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	ctx := t.Context()
	var got restwire.Metrics
	s.get(http.MethodGet, "/applications/metrics", nil, &got)
	if got.Apps == nil || got.Summary.TotalGPUByType == nil || len(got.Apps)+len(got.Summary.TotalGPUByType) != 0 {
		t.Errorf("with nothing running: %+v", got)
	}
	llm := state.AppSpec{Name: "llm", MachineTypes: []string{"GPU-H100"}, NumGPUs: 8}
	s.runner(llm)
	up := s.runner(llm)
	s.runner(state.AppSpec{Name: "draw", MachineTypes: []string{"GPU-H100"}})
	s.runner(state.AppSpec{Name: "web"})
	s.runner(state.AppSpec{Name: "foreign", MachineTypes: []string{"GPU-A100"}, Account: "stranger"})
	gone := s.runner(state.AppSpec{Name: "gone", MachineTypes: []string{"GPU-B200"}})
	s.do(s.Ended(ctx, gone.ID, "test"))
	app, err := s.App(s.caller, "", "llm")
	s.do(err)
	pending, err := s.CreateRunner(ctx, app, "", "test")
	s.do(err)
	waiting, err := s.CreateRunner(ctx, app, "", "test")
	s.do(err)
	s.do(s.Launched(ctx, waiting.ID, 43, "identity", 4343))
	s.do(s.StartFailed(ctx, waiting.ID, "test", func(int) time.Duration { return time.Hour }))

	want := restwire.Metrics{
		Summary: restwire.MetricsSummary{TotalGPUByType: map[string]int{"GPU-H100": 17, "XS": 1}},
		Apps: map[string]restwire.AppMetrics{
			"me/llm":  {GPUCountByType: map[string]int{"GPU-H100": 16}},
			"me/draw": {GPUCountByType: map[string]int{"GPU-H100": 1}},
			"me/web":  {GPUCountByType: map[string]int{"XS": 1}},
		},
	}
	got = restwire.Metrics{}
	s.get(http.MethodGet, "/applications/metrics", nil, &got)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("metrics %+v, want %+v", got, want)
	}

	// Another revision with another machine: what runs keeps the one it has.
	s.runner(state.AppSpec{Name: "llm", MachineTypes: []string{"GPU-A100"}, NumGPUs: 2})
	s.do(s.Terminate(ctx, up.ID, "test"))
	s.do(s.Launched(ctx, pending.ID, 44, "identity", 4444))
	want.Summary.TotalGPUByType = map[string]int{"GPU-H100": 25, "GPU-A100": 2, "XS": 1}
	want.Apps["me/llm"] = restwire.AppMetrics{GPUCountByType: map[string]int{"GPU-H100": 24, "GPU-A100": 2}}
	got = restwire.Metrics{}
	s.get(http.MethodGet, "/applications/metrics", nil, &got)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("metrics %+v, want %+v", got, want)
	}
}
