package restapi

import (
	"net/http"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// runner answers a runner's life span. It starts with the runner, not with its
// process, so that its whole log lies within.
func (a *api) runner(caller state.Caller, request *http.Request) (any, error) {
	r, err := a.state.Runner(request.Context(), caller, request.PathValue("runner_id"))
	if err != nil {
		return nil, err
	}
	return restwire.RunnerSpan{StartedAt: instant(r.CreatedAt), EndedAt: instant(r.EndedAt)}, nil
}
