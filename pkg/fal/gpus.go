package fal

import (
	"context"
	"slices"
	"strings"

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
	answer, err := s.client.metrics(ctx)
	if err != nil {
		return GPUUsage{}, err
	}
	usage := GPUUsage{ByType: answer.Summary.TotalGPUByType, ByApp: make(map[string]map[string]int, len(answer.Apps))}
	for name, app := range answer.Apps {
		usage.ByApp[name] = app.GPUCountByType
	}
	return usage, nil
}

// AppGPUUsage is how many GPUs one app uses.
type AppGPUUsage struct {
	// Name is <owner>/<app>; empty if the service tells nothing of the app.
	Name string
	// ByType is as in [GPUUsage].
	ByType map[string]int
}

// AppsGPUsParams are the options of [AppsService.GPUs]; there are none yet.
type AppsGPUsParams struct{}

// GPUs tells how many GPUs the runners of an app use now. The app may also be
// named <owner>/<app>, as where two owners have one of that name, which is
// [ErrInvalidArgument] otherwise and names both. Of an app that uses nothing,
// or does not exist, the service need not tell anything: that is no error.
func (s *AppsService) GPUs(ctx context.Context, app string, _ *AppsGPUsParams) (AppGPUUsage, error) {
	const method = "GET /applications/metrics"
	a := arguments{method: method}
	alias := a.alias(app, s.client.environment)
	if a.err != nil {
		return AppGPUUsage{}, a.err
	}
	answer, err := s.client.metrics(ctx)
	if err != nil {
		return AppGPUUsage{}, err
	}
	var found []string
	for name := range answer.Apps {
		if name == alias || name[strings.LastIndex(name, "/")+1:] == alias {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return AppGPUUsage{}, nil
	case 1:
		return AppGPUUsage{Name: found[0], ByType: answer.Apps[found[0]].GPUCountByType}, nil
	}
	slices.Sort(found)
	return AppGPUUsage{}, invalid(method, "%s may be %s", alias, strings.Join(found, " or "))
}

func (c *Client) metrics(ctx context.Context) (restwire.Metrics, error) {
	var answer restwire.Metrics
	err := c.get(ctx, "applications/metrics", nil, &answer)
	return answer, err
}
