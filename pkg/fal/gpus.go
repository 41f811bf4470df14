package fal

import (
	"context"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// GPUUsage is how many GPUs an account uses. The types are the service's own
// names of machine types; those without a GPU may be among them.
type GPUUsage struct {
	// ByType counts all apps together.
	ByType map[string]int
	// ByApp counts one app each, named <owner>/<app>.
	ByApp map[string]map[string]int
}

// GPUs tells how many GPUs the account's runners use now.
func (s *RunnersService) GPUs(ctx context.Context) (GPUUsage, error) {
	var answer restwire.Metrics
	if err := s.client.get(ctx, "applications/metrics", nil, &answer); err != nil {
		return GPUUsage{}, err
	}
	usage := GPUUsage{ByType: answer.Summary.TotalGPUByType, ByApp: make(map[string]map[string]int, len(answer.Apps))}
	for name, app := range answer.Apps {
		usage.ByApp[name] = app.GPUCountByType
	}
	return usage, nil
}
