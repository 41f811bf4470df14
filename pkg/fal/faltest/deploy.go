package faltest

import (
	"bytes"
	"fmt"
	"strconv"

	pickle "github.com/kisielk/og-rek"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// A DeployLog is a line of the log of a build, a run or a registration, as the
// wire carries it: enumerations are numbers.
type DeployLog struct {
	// Source is 0 BUILDER, 1 BRIDGE, 2 USER; Level 0 TRACE, 1 DEBUG, 2 INFO,
	// 3 WARNING, 4 ERROR, 5 STDOUT, 6 STDERR.
	Source, Level int32
	Message       string
}

// A Build is how BuildEnvironment ends.
type Build struct {
	Logs   []DeployLog
	Failed bool // INTERNAL_FAILURE
}

// A Registration is how RegisterApplication ends.
type Registration struct {
	Logs []DeployLog
	// Revision is the new revision's id; if it is empty, "rev-<n>", n counting
	// from 1.
	Revision string
	// URLs are those of the app; if all are empty, they are made of the
	// server's address and the alias.
	URLs fal.ServiceURLs
}

// SetBuild makes BuildEnvironment answer so.
func (s *Server) SetBuild(b Build) { s.builds.replace([]Build{b}) }

// SetRegister makes RegisterApplication answer so. If SetApps was called, the
// app is one of [Server.Apps] from then on.
func (s *Server) SetRegister(r Registration) { s.registrations.replace([]Registration{r}) }

// SetMetadata makes Run answer with this value, pickled.
func (s *Server) SetMetadata(value map[string]any, logs ...DeployLog) {
	s.t.Helper()
	var pickled bytes.Buffer
	if err := pickle.NewEncoderWithConfig(&pickled, &pickle.EncoderConfig{Protocol: 4}).Encode(value); err != nil {
		s.t.Fatalf("faltest: the metadata: %v", err)
	}
	s.SetReturnValue(pickled.Bytes(), logs...)
}

// SetReturnValue makes Run answer with these bytes, as those of a pickle.
func (s *Server) SetReturnValue(pickled []byte, logs ...DeployLog) {
	s.runs.replace([]run{{value: pickled, logs: logs}})
}

type run struct {
	value []byte
	logs  []DeployLog
}

// serveDeploys answers the calls of a deployment; of others it answers nothing.
func (s *Server) serveDeploys(request proto.Message) (Answer, []proto.Message) {
	switch request := request.(type) {
	case *controllerpb.BuildEnvironmentRequest:
		if builds, ok := s.builds.list(); ok {
			return Answer{}, builds[0].messages()
		}
	case *controllerpb.HostedRun:
		if runs, ok := s.runs.list(); ok {
			return Answer{}, runs[0].messages()
		}
	case *controllerpb.RegisterApplicationRequest:
		if registrations, ok := s.registrations.list(); ok {
			return Answer{}, s.register(request, registrations[0])
		}
	}
	return Answer{}, nil
}

func deployLogs(lines []DeployLog) []*controllerpb.Log {
	var logs []*controllerpb.Log
	for _, line := range lines {
		logs = append(logs, &controllerpb.Log{
			Message: line.Message, Source: controllerpb.LogSource(line.Source), Level: controllerpb.LogLevel(line.Level), Timestamp: timestamppb.Now(),
		})
	}
	return logs
}

func status(state controllerpb.HostedRunStatus_State) *controllerpb.HostedRunStatus {
	return &controllerpb.HostedRunStatus{State: state}
}

func (b Build) messages() (out []proto.Message) {
	for _, line := range deployLogs(b.Logs) {
		out = append(out, &controllerpb.BuildEnvironmentResult{Logs: []*controllerpb.Log{line}, Status: status(controllerpb.HostedRunStatus_IN_PROGRESS)})
	}
	end := controllerpb.HostedRunStatus_SUCCESS
	if b.Failed {
		end = controllerpb.HostedRunStatus_INTERNAL_FAILURE
	}
	return append(out, &controllerpb.BuildEnvironmentResult{Status: status(end)})
}

func (r run) messages() []proto.Message {
	return []proto.Message{
		&controllerpb.HostedRunResult{RunId: "run-1", Logs: deployLogs(r.logs), Status: status(controllerpb.HostedRunStatus_IN_PROGRESS)},
		&controllerpb.HostedRunResult{
			RunId: "run-1", Status: status(controllerpb.HostedRunStatus_SUCCESS),
			ReturnValue: &controllerpb.SerializedObject{Method: "cloudpickle", Definition: r.value},
		},
	}
}

func (s *Server) register(request *controllerpb.RegisterApplicationRequest, r Registration) []proto.Message {
	revision := r.Revision
	if revision == "" {
		revision = "rev-" + strconv.FormatInt(s.registered.Add(1), 10)
	}
	alias := request.GetApplicationName()
	if _, ok := s.apps.list(); ok {
		s.deployed(request, revision)
	}
	urls := r.URLs
	if urls == (fal.ServiceURLs{}) {
		urls = fal.ServiceURLs{
			Playground: s.RESTURL() + "/playground/" + alias,
			Run:        s.RESTURL() + "/run/" + alias,
			Queue:      s.RESTURL() + "/queue/" + alias,
			WS:         fmt.Sprintf("ws://%s/%s", s.Host(), alias),
			Log:        s.RESTURL() + "/log/" + alias,
		}
	}
	var out []proto.Message
	for _, line := range deployLogs(r.Logs) {
		out = append(out, &controllerpb.RegisterApplicationResult{Logs: []*controllerpb.Log{line}})
	}
	return append(out, &controllerpb.RegisterApplicationResult{
		Result: &controllerpb.RegisterApplicationResultType{ApplicationId: revision},
		ServiceUrls: &controllerpb.ServiceURLs{
			Playground: urls.Playground, Run: urls.Run, Queue: urls.Queue, Ws: urls.WS, Log: urls.Log,
		},
	})
}

// deployed makes the name call the revision.
func (s *Server) deployed(request *controllerpb.RegisterApplicationRequest, revision string) {
	set := func(a *App) {
		a.Revision = revision
		if request.AuthMode != nil {
			a.AuthMode = int32(request.GetAuthMode())
		}
	}
	if s.apps.change(aliased(request.GetApplicationName()), set) {
		return
	}
	machines := request.GetMachineRequirements()
	app := App{Alias: request.GetApplicationName(), Environment: request.GetEnvironmentName(), Settings: Settings{
		KeepAlive:             machines.GetKeepAlive(),
		MinConcurrency:        machines.GetMinConcurrency(),
		MaxConcurrency:        machines.GetMaxConcurrency(),
		MaxMultiplexing:       machines.GetMaxMultiplexing(),
		ConcurrencyBuffer:     machines.ConcurrencyBuffer,
		ConcurrencyBufferPerc: machines.ConcurrencyBufferPerc,
		ScalingDelay:          machines.ScalingDelaySeconds,
		RequestTimeout:        machines.RequestTimeout,
		StartupTimeout:        machines.StartupTimeout,
		MachineTypes:          machines.GetMachineTypes(),
		Regions:               machines.GetValidRegions(),
	}}
	if app.Environment == "main" {
		app.Environment = ""
	}
	set(&app)
	s.apps.add(app)
}
