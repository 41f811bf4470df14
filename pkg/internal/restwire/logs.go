package restwire

// TimeLayout is how moments are written in log bodies, event ids and query
// parameters: ISO 8601 with microseconds and the offset from UTC, such as
// 2026-11-21T18:30:00.000000+00:00.
const TimeLayout = "2006-01-02T15:04:05.000000-07:00"

// The query parameters of POST /logs/history and POST /logs/stream. Their
// bodies are empty.
const (
	ParamJobID    = "job_id"    // the runner
	ParamSince    = "since"     // the earliest moment, itself included
	ParamUntil    = "until"     // the latest moment, itself left out
	ParamSearch   = "search"    // text that messages contain
	ParamPageSize = "page_size" // history only: 1 to 1000, which is also the default
	ParamSource   = "source"    // history only, and an addition of the control plane: the lines of one source
)

// Log is one line of a log. The control plane never leaves out the first three
// fields.
type Log struct {
	Timestamp string            `json:"timestamp"` // in TimeLayout; unique within a runner
	Level     string            `json:"level"`     // upper case: STDOUT, STDERR, INFO, WARNING, ERROR, …
	Message   string            `json:"message"`
	Source    string            `json:"source,omitempty"` // stdout, stderr or lifecycle
	App       string            `json:"app,omitempty"`    // the alias of the runner's app
	Labels    map[string]string `json:"labels,omitempty"`
}

// LogPage is the answer of POST /logs/history: the newest lines that were
// asked for, newest first. NextUntil is the until that leads to the lines
// before them, nil when there are none.
type LogPage struct {
	Items     []Log   `json:"items"`
	NextUntil *string `json:"next_until"`
}

// The source of the control plane's own lines, and their labels.
const (
	SourceLifecycle = "lifecycle"

	LabelEvent  = "event"  // one of the Event constants below
	LabelState  = "state"  // the runner's state on the wire, such as IDLE; with EventState and EventNote
	LabelReason = "reason" // why; with EventState and EventNote
	LabelLines  = "lines"  // a number; with EventDropped

	EventState   = "state"   // the runner went into the state
	EventNote    = "note"    // something happened to it in the state
	EventDropped = "dropped" // so many lines that stood before this one are no longer kept
)

// The names of the events of POST /logs/stream. An event without a name is a
// Log: its id is the Log's timestamp, its data the Log as JSON. The data of the
// others is text, and never JSON.
const (
	StreamError = "error" // the stream ends because of what data says
	StreamStop  = "stop"  // the server stops, as data says; the stream goes on when it is back
	StreamEnd   = "end"   // everything was sent; data is one of the reasons below

	EndedRunner = "runner ended"
	EndedUntil  = "until reached"
)
