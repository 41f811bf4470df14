package restapi

import (
	"net/http"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// logHistory answers a page of a runner's log, newest line first: a client that
// puts the pages one after the other has the log in one order.
func (a *api) logHistory(caller state.Caller, request *http.Request) (any, error) {
	p := parametersOf(request)
	id := p.required(restwire.ParamJobID)
	query := state.LogQuery{
		Since:  p.moment(restwire.ParamSince),
		Until:  p.moment(restwire.ParamUntil),
		Source: p.text(restwire.ParamSource),
		Search: p.text(restwire.ParamSearch),
		Limit:  p.number(restwire.ParamPageSize, 1, maxPage, maxPage),
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	r, err := a.state.Runner(request.Context(), caller, id)
	if err != nil {
		return nil, invalidParameter(err, "query", restwire.ParamJobID)
	}
	lines, next, err := a.state.LogPage(request.Context(), r, query)
	if err != nil {
		return nil, err
	}
	page := restwire.LogPage{Items: make([]restwire.Log, len(lines)), NextUntil: instant(next)}
	for i := range lines {
		page.Items[i] = wireLog(r, &lines[i])
	}
	return page, nil
}

func wireLog(r *state.Runner, line *state.LogLine) restwire.Log {
	return restwire.Log{
		Timestamp: line.Time.Format(restwire.TimeLayout),
		Level:     line.Level,
		Message:   line.Message,
		Source:    line.Source,
		App:       r.Alias,
		Labels:    line.Labels,
	}
}
