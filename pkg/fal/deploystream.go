package fal

import (
	"context"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// streamDrain is how long a stream may stay open behind its last message.
const streamDrain = 200 * time.Millisecond

// A logging is a message of a stream that carries lines of a log.
type logging interface {
	proto.Message
	GetLogs() []*controllerpb.Log
}

// A streamed call answers with messages, until one of them is the last.
type streamed[M logging] struct {
	method  string
	request proto.Message
	fresh   func() M
	// take is given each message, and says whether it is the last.
	take func(M) (last bool, err error)
}

// receive makes the call, and breaks it off after its last message. The error
// of a stream that ends before one is nil: whoever calls knows whether it was
// complete.
func receive[M logging](ctx context.Context, d *deployer, s streamed[M]) error {
	var late error
	err := d.client.renewing(ctx, func(ctx context.Context) error {
		begun, err := receiveOnce(ctx, d, s)
		if begun { // it was carried out: another token would do it again
			late, err = err, nil
		}
		return err
	})
	if err == nil {
		err = late
	}
	return d.conceal.failure(err)
}

func receiveOnce[M logging](ctx context.Context, d *deployer, s streamed[M]) (begun bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := d.client.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, s.method, transport.Conceal(d.conceal.text))
	if err != nil {
		return false, callError(s.method, err)
	}
	if err := stream.SendMsg(s.request); err != nil && err != io.EOF { // the stream has ended: receiving tells why
		return false, callError(s.method, err)
	}
	if err := stream.CloseSend(); err != nil {
		return false, callError(s.method, err)
	}
	for {
		message := s.fresh()
		switch err := stream.RecvMsg(message); {
		case err == io.EOF: // and not the io.EOF that a lost connection wraps
			return begun, nil
		case err != nil:
			return begun, callError(s.method, err)
		}
		begun = true
		for _, line := range message.GetLogs() {
			d.report.log(deployLog(line))
		}
		if last, err := s.take(message); last || err != nil {
			if err == nil {
				drain(stream, message, cancel)
			}
			return begun, err
		}
	}
}

// drain lets a stream come to its own end, which is near behind the last
// message, and breaks it off if it does not.
func drain(stream grpc.ClientStream, into any, cancel context.CancelFunc) {
	timer := time.AfterFunc(streamDrain, cancel)
	defer timer.Stop()
	for stream.RecvMsg(into) == nil {
	}
}

func deployLog(line *controllerpb.Log) DeployLog {
	return DeployLog{
		Time:    timeOf(line.GetTimestamp()),
		Source:  strings.ToLower(line.GetSource().String()),
		Level:   line.GetLevel().String(),
		Message: line.GetMessage(),
	}
}

// build has the environment made.
func (d *deployer) build(ctx context.Context) error {
	const method = controllerpb.IsolateController_BuildEnvironment_FullMethodName
	request, err := d.request.build()
	if err != nil {
		return err
	}
	var state *controllerpb.HostedRunStatus_State
	err = receive(ctx, d, streamed[*controllerpb.BuildEnvironmentResult]{
		method: method, request: request, fresh: func() *controllerpb.BuildEnvironmentResult { return new(controllerpb.BuildEnvironmentResult) },
		take: func(m *controllerpb.BuildEnvironmentResult) (bool, error) {
			state = finished(m.GetStatus())
			return state != nil, nil
		},
	})
	switch {
	case err != nil:
		return err
	case state == nil:
		return deployFailed("the service ended the build without saying how it went")
	case *state != controllerpb.HostedRunStatus_SUCCESS:
		return d.failedBecause("it failed", ", and the log tells why")
	}
	return nil
}

// longestReason bounds a reason that is taken from a log, in bytes.
const longestReason = 1000

// failedBecause is the error of what the service says has failed: the reason is
// the last line of the last error in its log.
func (d *deployer) failedBecause(what, otherwise string) error {
	reason := strings.TrimSpace(d.conceal.text(d.report.lastError()))
	reason = strings.TrimSpace(reason[strings.LastIndexAny(reason, "\r\n")+1:])
	switch {
	case reason == "":
		return deployFailed(what + otherwise)
	case len(reason) > longestReason:
		reason = strings.ToValidUTF8(reason[:longestReason], "") + "..."
	}
	return deployFailed(what + ": " + reason)
}

// finished is how something ended; nil while it goes on.
func finished(status *controllerpb.HostedRunStatus) *controllerpb.HostedRunStatus_State {
	if status == nil || status.GetState() == controllerpb.HostedRunStatus_IN_PROGRESS {
		return nil
	}
	return status.GetState().Enum()
}

// describe asks the class for its description.
func (d *deployer) describe(ctx context.Context) (map[string]any, error) {
	const method = controllerpb.IsolateController_Run_FullMethodName
	request, err := d.request.describe()
	if err != nil {
		return nil, err
	}
	var state *controllerpb.HostedRunStatus_State
	var value *controllerpb.SerializedObject
	err = receive(ctx, d, streamed[*controllerpb.HostedRunResult]{
		method: method, request: request, fresh: func() *controllerpb.HostedRunResult { return new(controllerpb.HostedRunResult) },
		take: func(m *controllerpb.HostedRunResult) (bool, error) {
			if m.GetReturnValue() != nil {
				value = m.GetReturnValue()
			}
			state = finished(m.GetStatus())
			return state != nil, nil
		},
	})
	switch {
	case err != nil:
		return nil, err
	case value.GetWasItRaised():
		return nil, d.raised(value)
	case state == nil:
		return nil, deployFailed("the service ended the run without saying how it went")
	case *state != controllerpb.HostedRunStatus_SUCCESS:
		return nil, d.failedBecause("the service failed to run "+d.app.Entrypoint+metadataEntrypoint, "")
	case len(value.GetDefinition()) == 0:
		return nil, deployFailed(d.app.Entrypoint + metadataEntrypoint + " gave no value")
	}
	description, err := decodeMetadata(value.GetDefinition())
	if err != nil {
		return nil, deployFailed("what " + d.app.Entrypoint + metadataEntrypoint + " gave is no description: " + err.Error())
	}
	return description, nil
}

// raised is the error of a class that raised one; its traceback goes to the log.
func (d *deployer) raised(value *controllerpb.SerializedObject) error {
	traceback := strings.TrimRight(value.GetStringizedTraceback(), "\n")
	message := d.app.Entrypoint + metadataEntrypoint + " raised an exception"
	if traceback != "" {
		d.report.log(DeployLog{Source: "user", Level: "ERROR", Message: traceback})
		message += ": " + traceback[strings.LastIndex(traceback, "\n")+1:]
	}
	return deployFailed(d.conceal.text(message))
}

// register makes the revision, and answers where it is reached.
func (d *deployer) register(ctx context.Context, description map[string]any) (revision string, urls *controllerpb.ServiceURLs, err error) {
	const method = controllerpb.IsolateController_RegisterApplication_FullMethodName
	request, err := d.request.register(description)
	if err != nil {
		return "", nil, err
	}
	// Who asked to be attached hears of the rollout, whether the service tells
	// the revision before or after it.
	attached := d.params.Attach != nil && *d.params.Attach
	err = receive(ctx, d, streamed[*controllerpb.RegisterApplicationResult]{
		method: method, request: request, fresh: func() *controllerpb.RegisterApplicationResult { return new(controllerpb.RegisterApplicationResult) },
		take: func(m *controllerpb.RegisterApplicationResult) (bool, error) {
			if id := m.GetResult().GetApplicationId(); id != "" {
				revision = id
			}
			if m.GetServiceUrls() != nil {
				urls = m.GetServiceUrls()
			}
			return revision != "" && !attached, nil
		},
	})
	switch {
	case err != nil:
		return revision, nil, err
	case revision == "":
		return "", nil, deployFailed("the service did not say that the app is registered")
	case urls == nil:
		return revision, nil, deployFailed("the service registered revision " + revision + " and gave no URLs of the app: its name may be none that a URL can hold")
	}
	return revision, urls, nil
}
