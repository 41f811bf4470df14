package restapi

import (
	"net/http"
	"strconv"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// queueSize answers how many requests wait for a runner.
type queueSize struct {
	Size   int            `json:"queue_size"`
	ByUser map[string]int `json:"by_user,omitempty"`
}

func (a *api) queue(caller state.Caller, request *http.Request) (any, error) {
	byUser, err := a.state.Queue(caller, request.PathValue("nickname"), request.PathValue("app"))
	if err != nil {
		return nil, err
	}
	var answer queueSize
	for _, n := range byUser {
		answer.Size += n
	}
	if text := request.URL.Query().Get("by_user"); text != "" {
		wanted, err := strconv.ParseBool(text)
		if err != nil {
			return nil, &state.Error{Kind: state.Invalid, Message: "by_user is true or false"}
		}
		if wanted {
			answer.ByUser = byUser
		}
	}
	return answer, nil
}

func (a *api) flushQueue(caller state.Caller, request *http.Request) (any, error) {
	if err := caller.May(state.ToChange); err != nil {
		return nil, err
	}
	err := a.state.FlushQueue(caller, request.PathValue("nickname"), request.PathValue("app"), request.URL.Query().Get("caller_user_id"))
	return struct{}{}, err
}
