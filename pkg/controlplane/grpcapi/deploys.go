package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// Deploys makes environments of what clients define, and calls what is in them.
// A *state.Error says what is wrong with a definition, for people.
type Deploys interface {
	// Keep returns what a revision remembers of a definition, which may be built
	// and called: the files are there, the functions are kept, and there are no
	// passwords in it.
	Keep(d Definition) (state.Launch, error)
	// Built returns the id of the environment, empty when it is not built.
	Built(l *state.Launch) (string, error)
	// Build builds it, unless it is there and force is false, and returns its id.
	// log is called on the goroutine of the call.
	Build(ctx context.Context, l *state.Launch, force bool, log func(level, message string)) (string, error)
	// Call calls the launch's entry point or function with the app's secrets, and
	// returns its value.
	Call(ctx context.Context, app *state.App, l *state.Launch, log func(level, message string)) (Object, error)
	// URLs says where an app is reached.
	URLs(nickname, alias string) URLs
}

// Definition is what a client sends of an environment and what is called in it.
type Definition struct {
	Kind            string
	Configuration   map[string]any
	Files           []File
	Function, Setup *Object
	Entrypoint      string
	MainThread      bool
	DataMounts      []string
}

// File is an uploaded file, and where it belongs below the folder of the app.
type File struct{ Path, Hash string }

// Object is a serialized Python object, which the module Method reads.
type Object struct {
	Method     string
	Definition []byte

	// Raised: it is an exception that was raised, with its traceback as text.
	Raised    bool
	Traceback string
}

// URLs are where an app is reached; empty where there is nothing.
type URLs struct{ Playground, Run, Queue, WS, Log string }

func (u URLs) encode() *pb.ServiceURLs {
	return &pb.ServiceURLs{Playground: u.Playground, Run: u.Run, Queue: u.Queue, Ws: u.WS, Log: u.Log}
}

// environmentOf returns the one environment of a request. Services run a
// function through several; here there is one.
func environmentOf(environments []*pb.EnvironmentDefinition) (*pb.EnvironmentDefinition, error) {
	if len(environments) != 1 {
		return nil, invalid("there are %d environments, and one is needed", len(environments))
	}
	if environments[0].GetKind() == "" {
		return nil, invalid("the environment has no kind: it is virtualenv or container")
	}
	return environments[0], nil
}

func invalid(format string, args ...any) error {
	return &state.Error{Kind: state.Invalid, Message: fmt.Sprintf(format, args...)}
}

func filesOf(files []*pb.File) []File {
	list := make([]File, len(files))
	for i, f := range files {
		list[i] = File{Path: f.GetRelativePath(), Hash: f.GetHash()}
	}
	return list
}

func objectOf(o *pb.SerializedObject) *Object {
	if o == nil {
		return nil
	}
	return &Object{Method: o.GetMethod(), Definition: o.GetDefinition()}
}

// secretNames is nil when the request does not say.
func secretNames(config *pb.SecretsConfig) []string {
	if config == nil {
		return nil
	}
	return append([]string{}, config.GetNames()...)
}

// logOf is a line of the log of a call.
func logOf(now time.Time, source pb.LogSource, level, message string) *pb.Log {
	number, known := pb.LogLevel_value[level]
	if !known {
		number = int32(pb.LogLevel_INFO)
	}
	return &pb.Log{
		Message:   strings.ToValidUTF8(message, "\uFFFD"),
		Source:    source,
		Level:     pb.LogLevel(number),
		Timestamp: timestamppb.New(now),
	}
}

// builderLog sends each line of a build as soon as it is there. A line that
// cannot be sent ends the call, since its context ends with its stream.
func (s *server) builderLog(send func([]*pb.Log) error) func(level, message string) {
	return func(level, message string) {
		// The failure shows in the context of the call.
		_ = send([]*pb.Log{logOf(s.now(), pb.LogSource_BUILDER, level, message)})
	}
}

// definitionError is the fault of what was to be built, nil if err is not that.
func definitionError(err error) *state.Error {
	var fault *state.Error
	if errors.As(err, &fault) {
		return fault
	}
	return nil
}

func (s *server) BuildEnvironment(request *pb.BuildEnvironmentRequest, stream pb.IsolateController_BuildEnvironmentServer) error {
	ctx := stream.Context()
	environment, err := environmentOf(request.GetEnvironments())
	if err != nil {
		return err
	}
	if _, err := s.state.Prospect(caller(ctx), request.GetEnvironmentName(), request.GetApplicationName(), secretNames(request.GetSecrets())); err != nil {
		return err
	}
	launch, err := s.deploys.Keep(Definition{
		Kind:          environment.GetKind(),
		Configuration: environment.GetConfiguration().AsMap(),
		Files:         filesOf(request.GetFiles()),
	})
	if err != nil {
		return err
	}
	log := s.builderLog(func(logs []*pb.Log) error { return stream.Send(&pb.BuildEnvironmentResult{Logs: logs}) })
	id, err := s.deploys.Build(ctx, &launch, environment.GetForce(), log)
	result := &pb.BuildEnvironmentResult{EnvId: id, Status: &pb.HostedRunStatus{State: pb.HostedRunStatus_SUCCESS}}
	if fault := definitionError(err); fault != nil && ctx.Err() == nil {
		log(state.LevelError, fault.Message)
		result.Status.State = pb.HostedRunStatus_INTERNAL_FAILURE
		err = nil
	}
	if err != nil {
		return err
	}
	return stream.Send(result)
}

// Run builds the environment and calls the entry point or the function in it.
func (s *server) Run(request *pb.HostedRun, stream pb.IsolateController_RunServer) error {
	ctx := stream.Context()
	environment, err := environmentOf(request.GetEnvironments())
	if err != nil {
		return err
	}
	app, err := s.state.Prospect(caller(ctx), request.GetEnvironmentName(), request.GetApplicationName(), secretNames(request.GetSecrets()))
	if err != nil {
		return err
	}
	if request.GetCallable() == nil {
		return invalid("there is nothing to run: neither a function nor an entry point")
	}
	launch, err := s.deploys.Keep(Definition{
		Kind:          environment.GetKind(),
		Configuration: environment.GetConfiguration().AsMap(),
		Files:         filesOf(request.GetFiles()),
		Function:      objectOf(request.GetFunction()),
		Setup:         objectOf(request.GetSetupFunc()),
		Entrypoint:    request.GetEntrypoint(),
		MainThread:    request.GetRunOnMainThread(),
		DataMounts:    request.GetDataMounts(),
	})
	if err != nil {
		return err
	}
	send := func(logs []*pb.Log) error { return stream.Send(&pb.HostedRunResult{Logs: logs}) }
	id, err := s.ensureBuilt(ctx, &launch, environment.GetForce(), s.builderLog(send))
	if err != nil {
		return err
	}
	value, err := s.deploys.Call(ctx, app, &launch, func(level, message string) {
		// As in builderLog.
		_ = send([]*pb.Log{logOf(s.now(), pb.LogSource_USER, level, message)})
	})
	result := &pb.HostedRunResult{EnvId: &id, Status: &pb.HostedRunStatus{State: pb.HostedRunStatus_SUCCESS}}
	if fault := definitionError(err); fault != nil && ctx.Err() == nil {
		if err := send([]*pb.Log{logOf(s.now(), pb.LogSource_BRIDGE, state.LevelError, fault.Message)}); err != nil {
			return err
		}
		result.Status.State = pb.HostedRunStatus_INTERNAL_FAILURE
		return stream.Send(result)
	}
	if err != nil {
		return err
	}
	result.ReturnValue = &pb.SerializedObject{Method: value.Method, Definition: value.Definition, WasItRaised: value.Raised}
	if value.Traceback != "" {
		result.ReturnValue.StringizedTraceback = &value.Traceback
	}
	return stream.Send(result)
}

// ensureBuilt is silent about an environment that is there.
func (s *server) ensureBuilt(ctx context.Context, l *state.Launch, force bool, log func(level, message string)) (string, error) {
	if !force {
		if id, err := s.deploys.Built(l); id != "" || err != nil {
			return id, err
		}
	}
	id, err := s.deploys.Build(ctx, l, force, log)
	if fault := definitionError(err); fault != nil && ctx.Err() == nil {
		return "", &state.Error{Kind: state.Conflict, Message: "the environment could not be built: " + fault.Message}
	}
	return id, err
}

// metadataOf takes what a revision says of itself out of a request.
func metadataOf(spec *state.AppSpec, metadata *structpb.Struct) (unknown []string, err error) {
	fields := metadata.AsMap()
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		var ok bool
		switch key {
		case "openapi":
			spec.OpenAPI, ok = fields[key].(map[string]any)
		case "message":
			spec.Message, ok = fields[key].(string)
		case "annotations":
			spec.Annotations, ok = texts(fields[key])
		default:
			unknown, ok = append(unknown, key), true
		}
		if !ok {
			return nil, invalid("metadata.%s is not of its type", key)
		}
	}
	return unknown, nil
}

func texts(value any) (map[string]string, bool) {
	table, ok := value.(map[string]any)
	list := make(map[string]string, len(table))
	for key, entry := range table {
		text, isText := entry.(string)
		ok = ok && isText
		list[key] = text
	}
	return list, ok
}
