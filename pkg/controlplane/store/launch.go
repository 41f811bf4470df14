package store

import (
	"encoding/json"
	"io/fs"
	"time"
)

// Launch is what a deployed revision makes its runners out of: an environment,
// and what is called in it. The zero value is that of a revision whose runners
// execute its Argv.
type Launch struct {
	// Kind is "virtualenv", "container" or "conda"; empty for a revision with an
	// Argv.
	Kind string `json:"kind"`
	// Configuration is that of the environment, without the passwords of
	// registries and the secrets of a build. A requirement that was uploaded as a
	// distribution is "<package> @ source:<hash>/<name>", and one of Sources.
	Configuration map[string]any `json:"configuration,omitempty"`
	// Files were uploaded, and are there before a runner starts.
	Files   []File   `json:"files,omitempty"`
	Sources []Source `json:"sources,omitempty"`
	// Function is a serialized callable; nil for an app that has an Entrypoint
	// ("module:Symbol.method"), or neither as the command of its image.
	Function   *Function `json:"function,omitempty"`
	Entrypoint string    `json:"entrypoint,omitempty"`
	// Setup is called before Function, which is given its value; nil for none.
	Setup *Function `json:"setup,omitempty"`
	// MainThread has the callable run on the main thread of its process.
	MainThread bool `json:"main_thread,omitempty"`
	// DataMounts are the paths that runners expect to see.
	DataMounts []string `json:"data_mounts,omitempty"`
}

// Deployed reports whether runners are made of an environment.
func (l *Launch) Deployed() bool { return l.Kind != "" }

// File is an uploaded file of a revision.
type File struct {
	Path string      `json:"path"` // with slashes, below the folder of the app
	Hash string      `json:"hash"`
	Mode fs.FileMode `json:"mode"` // permissions alone
}

// Source is a distribution that is kept for a requirement.
type Source struct {
	Hash string `json:"hash"` // SHA-256
	Name string `json:"name"` // of the file
}

// Function is a serialized Python object: the module Method reads what is kept
// under Hash.
type Function struct {
	Method string `json:"method"` // as "cloudpickle"
	Hash   string `json:"hash"`
}

// HealthCheck is how a runner is asked whether it is well.
type HealthCheck struct {
	Path             string        `json:"path"`
	Method           string        `json:"method"`            // GET or POST
	StartPeriod      time.Duration `json:"start_period"`      // after its start in which failures do not count, if not StartupTimeout is longer
	Timeout          time.Duration `json:"timeout"`           // of one answer
	FailureThreshold int           `json:"failure_threshold"` // failures in a row that end it
	CallRegularly    bool          `json:"call_regularly"`    // every 15 s; false: when a request asks for it alone
	AllowOnBusy      bool          `json:"allow_on_busy"`     // also while requests are in flight
}

// Serving is what a deployed revision says of how it is to be served.
type Serving struct {
	ExposedPort *int         `json:"exposed_port,omitempty"` // that the process binds if it does not take PORT; nil for none
	MetricsPort *int         `json:"metrics_port,omitempty"`
	HealthCheck *HealthCheck `json:"health_check,omitempty"` // nil: Revision.HealthPath alone
	// SkipRetry are the conditions in which a request is not tried again, as the
	// wire numbers them; RetryConfig is JSON text, empty when it was not sent.
	SkipRetry   []int  `json:"skip_retry,omitempty"`
	RetryConfig string `json:"retry_config,omitempty"`
	PrivateLogs bool   `json:"private_logs,omitempty"`
}

// launchValues are those of launchColumns.
func launchValues(r *Revision) ([]any, error) {
	launch, err := json.Marshal(&r.Launch)
	if err != nil {
		return nil, err
	}
	serving, err := json.Marshal(&r.Serving)
	if err != nil {
		return nil, err
	}
	openAPI, err := json.Marshal(r.OpenAPI)
	if err != nil {
		return nil, err
	}
	return []any{string(launch), string(serving), string(openAPI), r.SourceCode}, nil
}

const launchColumns = `launch, serving, openapi, source_code`
