package fal

import (
	"context"
	"math"
	"slices"

	"google.golang.org/grpc"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// TerminalSize is the size of a terminal in characters, each 1 or more.
type TerminalSize struct{ Columns, Rows int }

// RunnersShellParams say what runs in a session, and on what.
type RunnersShellParams struct {
	// Command is a program with its arguments; empty: a login shell. No shell
	// reads it.
	Command []string
	// TTY asks for a terminal of this size; nil: none. Whether the service
	// gives one unasked is its own decision: the local control plane does for
	// a login shell.
	TTY *TerminalSize
}

// Shell starts a program in a running runner, and connects to its input and
// output. It returns when the request is on its way, which is before the
// service has answered: that the runner does not exist ([ErrNotFound]) or does
// not run ([ErrFailedPrecondition]) is told by [ShellSession.Read].
//
// The end of the context breaks the session off at any time; it is not for
// bounding the start alone, for which there is [ShellSession.Answered]. The
// caller must Close the session.
func (s *RunnersService) Shell(ctx context.Context, id string, params *RunnersShellParams) (*ShellSession, error) {
	if params == nil {
		params = &RunnersShellParams{}
	}
	first, err := shellRunnerRequest(id, params)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	const method = controllerpb.IsolateController_ShellRunner_FullMethodName
	stream, err := controllerpb.NewIsolateControllerClient(s.client.conn).ShellRunner(ctx)
	if err != nil {
		cancel()
		return nil, callError(method, err)
	}
	session := newShellSession(ctx, cancel, &grpcShell{stream, method})
	if err := session.send(first); err == nil && first.TtySize != nil {
		// Once more, since the official client tells the size only here.
		_ = session.send(&controllerpb.ShellRunnerInput{TtySize: first.TtySize})
	}
	// A stream that has ended already says why when it is read.
	return session, nil
}

func shellRunnerRequest(id string, params *RunnersShellParams) (*controllerpb.ShellRunnerInput, error) {
	const method = "ShellRunner"
	if id == "" {
		return nil, invalid(method, "the runner's id is empty")
	}
	if len(params.Command) > 0 && params.Command[0] == "" {
		return nil, invalid(method, "the command is empty")
	}
	first := &controllerpb.ShellRunnerInput{RunnerId: id, Command: slices.Clone(params.Command)}
	if params.TTY != nil {
		size, err := params.TTY.wire()
		if err != nil {
			return nil, err
		}
		first.TtySize = size
	}
	return first, nil
}

func (t TerminalSize) wire() (*controllerpb.TerminalSize, error) {
	for _, n := range []int{t.Columns, t.Rows} {
		if n < 1 || n > math.MaxUint16 {
			return nil, invalid("ShellRunner", "no terminal is %d columns wide and %d rows high", t.Columns, t.Rows)
		}
	}
	return &controllerpb.TerminalSize{Width: int32(t.Columns), Height: int32(t.Rows)}, nil
}

// grpcShell is the stream of a session, with errors of this package.
type grpcShell struct {
	grpc.BidiStreamingClient[controllerpb.ShellRunnerInput, controllerpb.ShellRunnerOutput]
	method string
}
