package grpcapi

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

const (
	// settleDelay is how long a client may take to say more than which runner it
	// means, and with that whether it wants a terminal.
	settleDelay = 200 * time.Millisecond

	// hangupGrace is how long a session may take to end when its client has gone.
	hangupGrace = 5 * time.Second

	// endOfInputPause is how soon the end of its input is said to a terminal again.
	endOfInputPause = 500 * time.Millisecond

	// chunkSize bounds the output in one message, in bytes.
	chunkSize = 64 << 10
)

// Shells opens sessions in runners.
type Shells interface {
	// OpenShell starts a command beside the process of a runner, or a login
	// shell if there is none; on a terminal if size is not nil. The context
	// limits the start alone. That the command cannot be executed is a
	// *CommandError.
	OpenShell(ctx context.Context, runnerID string, command []string, size *TerminalSize) (Session, error)
}

// TerminalSize is in characters.
type TerminalSize struct{ Rows, Columns uint16 }

// CommandError says that a command could not be executed.
type CommandError struct {
	ExitCode int    // what a shell would exit with: 126 or 127
	Message  string // what a shell would say, without a line end
}

func (e *CommandError) Error() string { return e.Message }

// Session is a process of which one goroutine reads the output, one writes the
// input, and others call the rest.
type Session interface {
	io.Reader               // until io.EOF: all that it wrote before its end
	io.Writer               // fails once nothing reads any more
	CloseInput() error      // lets it read the end of its input
	Hangup() error          // SIGHUP to it and all that it started
	Kill() error            // SIGKILL likewise
	io.Closer               // kills it and waits for its end
	ExitCode() (int, error) // after its end: 0 to 255
	Resize(TerminalSize) error
}

type shellStream = grpc.BidiStreamingServer[pb.ShellRunnerInput, pb.ShellRunnerOutput]

func (s *server) ShellRunner(stream shellStream) error {
	inputs := make(chan *pb.ShellRunnerInput)
	returned := make(chan struct{})
	defer close(returned)
	// It ends with the stream, which ends when this function has returned.
	go receive(stream, inputs, returned)

	ctx := stream.Context()
	var first *pb.ShellRunnerInput // nil if there is none
	select {
	case first = <-inputs:
	case <-ctx.Done():
		return ctx.Err()
	}
	runner, err := s.state.Attachable(ctx, caller(ctx), first.GetRunnerId())
	if err != nil {
		return err
	}
	second, err := settle(ctx, first, inputs)
	if err != nil {
		return err
	}
	size, err := terminalSize(first, second)
	if err != nil {
		return err
	}
	session, err := s.shells.OpenShell(ctx, runner.ID, first.GetCommand(), size)
	var failure *CommandError
	if errors.As(err, &failure) {
		return refuse(stream, failure, size != nil)
	}
	if err != nil {
		return err
	}
	// The session is open: a client that bounds the wait for an answer must not
	// take a command that says nothing for a service that does not.
	if err := stream.SendHeader(nil); err != nil {
		_ = session.Hangup() // whoever asked for it is gone
		return errors.Join(err, session.Close())
	}
	c := &conversation{stream: stream, session: session, terminal: size != nil, inputs: inputs, over: make(chan struct{})}
	return c.run(first, second)
}

// receive hands over what the client sends. The channel is closed at half-close;
// that the stream broke is told by its context.
func receive(stream shellStream, inputs chan<- *pb.ShellRunnerInput, returned <-chan struct{}) {
	for {
		input, err := stream.Recv()
		if err == io.EOF {
			close(inputs)
			return
		}
		if err != nil {
			return
		}
		select {
		case inputs <- input:
		case <-returned:
			return
		}
	}
}

// settle returns the second message, or nil if none is needed or there is none.
func settle(ctx context.Context, first *pb.ShellRunnerInput, inputs <-chan *pb.ShellRunnerInput) (*pb.ShellRunnerInput, error) {
	if first.GetTtySize() != nil {
		return nil, nil
	}
	timer := time.NewTimer(settleDelay)
	defer timer.Stop()
	select {
	case second := <-inputs:
		return second, nil
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// terminalSize returns nil if there is to be no terminal.
func terminalSize(first, second *pb.ShellRunnerInput) (*TerminalSize, error) {
	for _, input := range []*pb.ShellRunnerInput{first, second} {
		if sent := input.GetTtySize(); sent != nil {
			size, err := decodeSize(sent)
			return &size, err
		}
	}
	if len(first.GetCommand()) == 0 {
		return &TerminalSize{Rows: 24, Columns: 80}, nil
	}
	return nil, nil
}

func decodeSize(sent *pb.TerminalSize) (TerminalSize, error) {
	rows, columns := sent.GetHeight(), sent.GetWidth()
	if min(rows, columns) < 0 || max(rows, columns) > math.MaxUint16 {
		return TerminalSize{}, status.Errorf(codes.InvalidArgument, "tty_size: %d by %d is no size of a terminal", columns, rows)
	}
	return TerminalSize{Rows: uint16(rows), Columns: uint16(columns)}, nil
}

// refuse answers as if a shell had been asked to execute the command.
func refuse(stream shellStream, failure *CommandError, terminal bool) error {
	end := "\n"
	if terminal {
		end = "\r\n"
	}
	if err := stream.Send(&pb.ShellRunnerOutput{Data: []byte(failure.Message + end)}); err != nil {
		return err
	}
	return stream.Send(&pb.ShellRunnerOutput{ExitCode: new(int32(failure.ExitCode))})
}

// conversation is between a client and a session.
type conversation struct {
	stream   shellStream
	session  Session
	terminal bool
	inputs   <-chan *pb.ShellRunnerInput

	over chan struct{} // the session has ended

	mu      sync.Mutex
	grace   *time.Timer
	failure error // why it was hung up, nil for the client's close
}

func (c *conversation) run(begun ...*pb.ShellRunnerInput) error {
	ctx := c.stream.Context()
	unlink := context.AfterFunc(ctx, func() { c.hangUp(ctx.Err()) })
	var feeding sync.WaitGroup
	feeding.Go(func() { c.feed(begun) })

	sending := c.forward()
	code, ending := c.session.ExitCode()
	closing := c.session.Close()
	close(c.over)
	feeding.Wait()
	unlink()
	c.mu.Lock()
	if c.grace != nil {
		c.grace.Stop()
	}
	c.mu.Unlock()
	hungUp, failure := c.settled()
	switch {
	case hungUp && failure != nil:
		return failure
	case sending != nil:
		return sending
	case hungUp:
		return c.stream.Send(&pb.ShellRunnerOutput{Close: true})
	case ending != nil:
		return ending
	case closing != nil:
		return closing
	}
	return c.stream.Send(&pb.ShellRunnerOutput{ExitCode: new(int32(code))})
}

// forward sends the output until there is none any more. A client that does not
// read is waited for; for one that cannot, the output is read in vain, so that
// nothing has to wait for that before it ends.
func (c *conversation) forward() (failure error) {
	chunk := make([]byte, chunkSize)
	message := new(pb.ShellRunnerOutput)
	for {
		n, err := c.session.Read(chunk)
		if hungUp, _ := c.settled(); n > 0 && !hungUp {
			message.Data = chunk[:n]
			if failure = c.stream.Send(message); failure != nil {
				c.hangUp(failure)
			}
		}
		if err == io.EOF {
			return failure
		}
		if err != nil {
			c.hangUp(err)
			return err
		}
	}
}

// feed gives the session what the client sends. Once the session reads no more,
// input is passed over: its client may want to know how it ends.
func (c *conversation) feed(begun []*pb.ShellRunnerInput) {
	deaf := false
	take := func(input *pb.ShellRunnerInput) {
		if hungUp, _ := c.settled(); hungUp {
			return
		}
		if size := input.GetTtySize(); size != nil {
			c.resize(size)
		}
		if data := input.GetData(); len(data) > 0 && !deaf {
			_, err := c.session.Write(data)
			deaf = err != nil
		}
		if input.GetClose() {
			c.hangUp(nil)
		}
	}
	for _, input := range begun {
		if input != nil {
			take(input)
		}
	}
	for {
		select {
		case input, ok := <-c.inputs:
			if !ok {
				c.endInput()
				return
			}
			take(input)
		case <-c.over:
			return
		}
	}
}

// endInput ends the input. On a terminal that is a key, which ends one read of
// one program and is lost on some; it is pressed until all have ended.
func (c *conversation) endInput() {
	for {
		// What has ended, or has closed its input, needs no end of it.
		if err := c.session.CloseInput(); err != nil || !c.terminal {
			return
		}
		select {
		case <-time.After(endOfInputPause):
		case <-c.over:
			return
		}
	}
}

func (c *conversation) resize(sent *pb.TerminalSize) {
	size, err := decodeSize(sent)
	if err != nil {
		c.hangUp(err)
		return
	}
	// One that has ended needs no size.
	_ = c.session.Resize(size)
}

// hangUp has the session end, because of the error or because the client wants
// that. The first reason counts.
func (c *conversation) hangUp(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.over:
		return
	default:
	}
	if c.grace != nil {
		return
	}
	c.failure = reason
	// What has ended already needs neither.
	_ = c.session.Hangup()
	c.grace = time.AfterFunc(hangupGrace, func() { _ = c.session.Kill() })
}

// settled reports whether the session was hung up, and why.
func (c *conversation) settled() (hungUp bool, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.grace != nil, c.failure
}
