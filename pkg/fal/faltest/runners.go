package faltest

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// terminated is the wire's number of the state.
const terminated = 7

// A Runner is a runner as the wire carries it: enumerations are numbers, so
// that a test can send one that nobody knows.
type Runner struct {
	ID, Alias, Revision, MachineType string
	// State is 0 RUNNING, 1 PENDING, 2 SETUP, 3 DEAD, 4 DOCKER_PULL,
	// 5 DRAINING, 6 TERMINATING, 7 TERMINATED, 8 IDLE, 9 FAILURE_DELAY.
	State int32
	// Replacement is 0 NO_REPLACE, 1 WILL_REPLACE, 2 DID_REPLACE.
	Replacement int32
	// Uptime is in seconds.
	Uptime float32
	// ExpirationCountdown is in seconds; nil: not sent.
	ExpirationCountdown *int32
	InFlight            int32
	// Metadata is the free-form metadata as a JSON object; empty: not sent.
	Metadata string
}

// SetRunners sets the runners that ListRunners and ListAliasRunners answer.
// From then on StopRunner and KillRunner make a runner TERMINATED, and answer
// NOT_FOUND for an id that is not among them.
func (s *Server) SetRunners(runners ...Runner) {
	s.t.Helper()
	for _, r := range runners {
		if _, err := r.info(); err != nil {
			s.t.Fatalf("faltest: %v", err)
		}
	}
	s.runners.replace(runners)
}

// Runners are those of SetRunners as they are now.
func (s *Server) Runners() []Runner {
	runners, _ := s.runners.list()
	return runners
}

// serveRunners answers the calls about runners; of others it answers nothing.
func (s *Server) serveRunners(request proto.Message) (Answer, []proto.Message) {
	runners, ok := s.runners.list()
	if !ok {
		return Answer{}, nil
	}
	switch request := request.(type) {
	case *controllerpb.ListRunnersRequest:
		return Answer{}, one(&controllerpb.ListRunnersResponse{Runners: messages(runners, every, Runner.mustInfo)})
	case *controllerpb.ListAliasRunnersRequest:
		ofAlias := func(r Runner) bool { return r.Alias == request.GetAlias() }
		return Answer{}, one(&controllerpb.ListAliasRunnersResponse{Runners: messages(runners, ofAlias, Runner.mustInfo)})
	case *controllerpb.StopRunnerRequest:
		return s.terminate(request.GetRunnerId()), one(&controllerpb.StopRunnerResponse{})
	case *controllerpb.KillRunnerRequest:
		return s.terminate(request.GetRunnerId()), one(&controllerpb.KillRunnerResponse{})
	}
	return Answer{}, nil
}

func (s *Server) terminate(id string) Answer {
	if !s.runners.change(func(r Runner) bool { return r.ID == id }, func(r *Runner) { r.State = terminated }) {
		return Fail(fal.CodeNotFound, fmt.Sprintf("runner %s not found", id))
	}
	return Answer{}
}

// mustInfo is info of a runner that SetRunners has tried.
func (r Runner) mustInfo() *controllerpb.RunnerInfo {
	info, err := r.info()
	if err != nil {
		panic(err)
	}
	return info
}

func (r Runner) info() (*controllerpb.RunnerInfo, error) {
	state := controllerpb.RunnerInfo_State(r.State)
	info := &controllerpb.RunnerInfo{
		RunnerId:            r.ID,
		InFlightRequests:    r.InFlight,
		ExpirationCountdown: r.ExpirationCountdown,
		Uptime:              r.Uptime,
		Revision:            r.Revision,
		Alias:               r.Alias,
		State:               &state,
		Replacement:         controllerpb.RunnerInfo_ReplaceState(r.Replacement),
		MachineType:         r.MachineType,
	}
	if r.Metadata != "" {
		info.ExternalMetadata = &structpb.Struct{}
		if err := protojson.Unmarshal([]byte(r.Metadata), info.ExternalMetadata); err != nil {
			return nil, fmt.Errorf("metadata of runner %s: %w", r.ID, err)
		}
	}
	return info, nil
}
