package grpcapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

const (
	// attachPause is how often a rollout is looked at.
	attachPause = 100 * time.Millisecond
	// lastWords is how long the lines of a runner that failed may be on their way,
	// and lastWordsAll how long they are sent however many there are.
	lastWords    = 300 * time.Millisecond
	lastWordsAll = time.Second
	// forwardTime bounds what is sent of runners that print without a pause before
	// the rollout is looked at again.
	forwardTime = 500 * time.Millisecond
)

// attach sends what the runners of a new revision log until the app has changed
// over to it. It fails when one of them could not be started, and when the app
// is pointed elsewhere meanwhile.
func (s *server) attach(ctx context.Context, app *state.App, send func(*pb.Log) error) error {
	a := attached{server: s, send: send, logs: make(map[string]*state.Follower)}
	defer a.close()
	ticker := time.NewTicker(attachPause)
	defer ticker.Stop()
	said := ""
	for {
		progress := s.state.Progress(app)
		for _, r := range progress.Runners {
			if a.logs[r.ID] == nil {
				a.logs[r.ID] = s.state.Follow(r, state.FollowQuery{})
			}
		}
		failed := progress.Failed()
		if err := a.forward(ctx, failed); err != nil {
			return err
		}
		if text := progress.String(); len(progress.Runners) > 0 && text != said {
			said = text
			if err := send(logOf(s.now(), pb.LogSource_BRIDGE, state.LevelInfo, text)); err != nil {
				return err
			}
		}
		switch {
		case progress.Superseded:
			return &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("app %s was pointed at another revision than %s, or deleted, before its runners were up", app.Alias, app.Rev.RevisionID)}
		case failed != nil:
			return &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("app %s points to revision %s, and its runner %s did not start: %s", app.Alias, app.Rev.RevisionID, failed.ID, failed.Reason)}
		case progress.Settled:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// attached follows the logs of runners.
type attached struct {
	server *server
	send   func(*pb.Log) error
	logs   map[string]*state.Follower // by runner id
}

func (a *attached) close() {
	for _, log := range a.logs {
		log.Close()
	}
}

// forward sends what has been logged, for a bounded time. The runner that failed,
// if there is one, comes first and is waited for.
func (a *attached) forward(ctx context.Context, failed *state.Runner) error {
	if failed != nil {
		if err := a.drain(ctx, a.logs[failed.ID], lastWords, time.Now().Add(lastWordsAll)); err != nil {
			return err
		}
	}
	until := time.Now().Add(forwardTime)
	for _, log := range a.logs {
		if err := a.drain(ctx, log, 0, until); err != nil {
			return err
		}
	}
	return nil
}

// drain sends the lines of a log, one batch at least, until none has come for as
// long as idle or it is that late.
func (a *attached) drain(ctx context.Context, log *state.Follower, idle time.Duration, until time.Time) error {
	for {
		batch, err := log.Next(ctx, idle)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || len(batch.Lines) == 0 {
			return nil // an error says why nothing more will come
		}
		for i := range batch.Lines {
			if err := a.line(&batch.Lines[i]); err != nil {
				return err
			}
		}
		if !time.Now().Before(until) {
			return nil
		}
	}
}

func (a *attached) line(l *state.LogLine) error {
	source := pb.LogSource_USER
	if l.Source != state.SourceStdout && l.Source != state.SourceStderr {
		source = pb.LogSource_BRIDGE
	}
	return a.send(logOf(l.Time, source, strings.ToUpper(l.Level), l.Message))
}
