package restapi

import (
	"net/http"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func (a *api) metrics(caller state.Caller, _ *http.Request) (any, error) {
	metrics := restwire.Metrics{
		Summary: restwire.MetricsSummary{TotalGPUByType: make(map[string]int)},
		Apps:    make(map[string]restwire.AppMetrics),
	}
	for _, used := range a.state.Usage(caller) {
		name := caller.Account.Nickname + "/" + used.Alias
		app, ok := metrics.Apps[name]
		if !ok {
			app.GPUCountByType = make(map[string]int)
			metrics.Apps[name] = app
		}
		app.GPUCountByType[used.MachineType] += used.Count
		metrics.Summary.TotalGPUByType[used.MachineType] += used.Count
	}
	return metrics, nil
}
