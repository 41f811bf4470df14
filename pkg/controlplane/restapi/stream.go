package restapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// streamLogs sends a runner's log as it grows, in Server-Sent Events, until the
// runner has ended or until is reached.
func (a *api) streamLogs(w http.ResponseWriter, request *http.Request) {
	caller, err := a.authenticate(request)
	if err != nil {
		refuse(w, err)
		return
	}
	r, query, err := a.streamed(caller, request)
	if err != nil {
		refuse(w, err)
		return
	}
	// A key may be revoked while the stream is open.
	ctx, stop := a.state.Attend(request.Context(), caller)
	defer stop()
	follower := a.state.Follow(r, query)
	defer follower.Close()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	events := eventWriter{w: w, control: http.NewResponseController(w)}
	if events.send() != nil {
		return // the client has gone away, here and below
	}
	for {
		batch, err := follower.Next(ctx, a.keepAlive)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			// A token may expire while it is.
			_, err = a.authenticate(request)
		}
		if err != nil {
			events.last(err)
			_ = events.send()
			return
		}
		switch {
		case len(batch.Lines) == 0:
			events.comment("keep-alive")
		case batch.Behind:
			events.comment("behind: catching up from what is stored since " + batch.Lines[0].Time.Format(restwire.TimeLayout))
		}
		for i := range batch.Lines {
			events.log(wireLog(r, &batch.Lines[i]))
		}
		if events.send() != nil {
			return
		}
	}
}

// streamed returns what is to be streamed.
func (a *api) streamed(caller state.Caller, request *http.Request) (*state.Runner, state.FollowQuery, error) {
	p := parametersOf(request)
	id := p.required(restwire.ParamJobID)
	query := state.FollowQuery{
		Since:  p.moment(restwire.ParamSince),
		Until:  p.moment(restwire.ParamUntil),
		Search: p.text(restwire.ParamSearch),
	}
	if after := p.afterEvent(); after.After(query.Since) {
		query.Since = after
	}
	if err := p.err(); err != nil {
		return nil, query, err
	}
	r, err := a.state.Runner(request.Context(), caller, id)
	return r, query, invalidParameter(err, "query", restwire.ParamJobID)
}

// eventWriter collects events and sends them together.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  bytes.Buffer
}

func (e *eventWriter) comment(text string) { fmt.Fprintf(&e.buffer, ": %s\n\n", text) }

func (e *eventWriter) log(line restwire.Log) {
	fmt.Fprintf(&e.buffer, "id: %s\ndata: ", line.Timestamp)
	// Strings and a map of strings always have a JSON form.
	_ = json.NewEncoder(&e.buffer).Encode(line)
	e.buffer.WriteByte('\n')
}

// last says why the stream ends.
func (e *eventWriter) last(err error) {
	name, data := restwire.StreamError, err.Error()
	switch {
	case errors.Is(err, state.ErrRunnerEnded):
		name, data = restwire.StreamEnd, restwire.EndedRunner
	case errors.Is(err, state.ErrUntilReached):
		name, data = restwire.StreamEnd, restwire.EndedUntil
	case errors.Is(err, state.ErrStopping):
		name = restwire.StreamStop // more will come, from its next start
	}
	fmt.Fprintf(&e.buffer, "event: %s\ndata: %s\n\n", name, strings.NewReplacer("\r", " ", "\n", " ").Replace(data))
}

func (e *eventWriter) send() error {
	_, err := e.buffer.WriteTo(e.w)
	if err != nil {
		return err
	}
	return e.control.Flush()
}
