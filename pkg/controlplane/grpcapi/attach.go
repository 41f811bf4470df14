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
	// lastWords is how long the lines of a runner that failed may be on their way.
	lastWords = 300 * time.Millisecond
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
		idle := time.Duration(0)
		if progress.Failed() != nil {
			idle = lastWords
		}
		if err := a.forward(ctx, idle); err != nil {
			return err
		}
		if text := progress.String(); len(progress.Runners) > 0 && text != said {
			said = text
			if err := send(logOf(s.now(), pb.LogSource_BRIDGE, state.LevelInfo, text)); err != nil {
				return err
			}
		}
		switch failed := progress.Failed(); {
		case progress.Superseded:
			return &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("app %s was pointed at another revision than %s, or deleted, before its runners were up", app.Alias, app.Rev.RevisionID)}
		case failed != nil:
			return &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("runner %s of revision %s did not start: %s", failed.ID, app.Rev.RevisionID, failed.Reason)}
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

// forward sends what has been logged, until none of it comes for as long as idle.
func (a *attached) forward(ctx context.Context, idle time.Duration) error {
	for _, log := range a.logs {
		for {
			batch, err := log.Next(ctx, idle)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil || len(batch.Lines) == 0 {
				break // an error says why nothing more will come
			}
			for i := range batch.Lines {
				if err := a.line(&batch.Lines[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (a *attached) line(l *state.LogLine) error {
	source := pb.LogSource_USER
	if l.Source != state.SourceStdout && l.Source != state.SourceStderr {
		source = pb.LogSource_BRIDGE
	}
	return a.send(logOf(l.Time, source, strings.ToUpper(l.Level), l.Message))
}
