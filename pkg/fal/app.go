package fal

import (
	"io"
	"io/fs"
	"time"
)

// App is what [Client.Deploy] deploys: a value of the request's fields, and the
// files that go with it. Fields that are nil or empty are not sent, and the
// service then uses what is named with them; zero behind a pointer is a value.
type App struct {
	// Name is the app's name without the suffix of its environment.
	Name string
	// AuthMode says who may call it; nil: private, or as it was.
	AuthMode *AuthMode

	// Build says what its runners are made of.
	Build Build
	// Entrypoint is the app's class, as "module:Symbol", which the environment
	// can import. At most one of Entrypoint and Function is given; an app with
	// neither is its image's own command.
	Entrypoint string
	// Function is the app as a serialized callable.
	Function *SerializedObject

	// Files are uploaded, all in it, at their paths; nil: none. They are regular
	// files, or links to them, of at most 1 GiB each, and are read again while
	// they go up: one that has changed by then is an error.
	// A file's mode is part of its identity, as st_mode of its Sys if that is a
	// *syscall.Stat_t, else as a regular file of its permissions.
	Files fs.FS
	// Sources are the distributions that stand for requirements which are
	// folders of this machine.
	Sources []Source
	// Secrets are the names of the secrets that runners get; nil: those that
	// are exposed by default.
	Secrets []string
	// DataMounts are paths under /data that runners see.
	DataMounts []string

	// MachineTypes are tried in this order; empty: XS.
	MachineTypes []string
	// NumGPUs is the number of GPUs of a runner.
	NumGPUs *int
	// Regions are where runners may be; empty: anywhere.
	Regions []string
	// KeepAlive is how long an idle runner is kept, in whole seconds; nil: 10 s.
	KeepAlive *time.Duration
	// MinConcurrency and MaxConcurrency bound the number of runners; nil: 0 and 2.
	MinConcurrency, MaxConcurrency *int
	// ConcurrencyBuffer and ConcurrencyBufferPerc are runners, and percent of
	// runners, above what requests need; nil: 0.
	ConcurrencyBuffer, ConcurrencyBufferPerc *int
	// ScalingDelay is how long requests wait before they start a runner, in
	// whole seconds; nil: 0.
	ScalingDelay *time.Duration
	// MaxMultiplexing is the number of requests that a runner has at once; nil: 1.
	MaxMultiplexing *int
	// RequestTimeout and StartupTimeout are in whole seconds; nil: 3600 s and 600 s.
	RequestTimeout, StartupTimeout *time.Duration
	// TerminationGracePeriod is in whole seconds.
	TerminationGracePeriod *time.Duration
	// ExposedPort and MetricsPort are 0 to 65535. Nil: 8080 and 9090 for an app
	// with an Entrypoint, none otherwise.
	ExposedPort, MetricsPort *int
	// BaseImage, Scheduler and SchedulerOptions are sent as they are.
	BaseImage        *string
	Scheduler        *string
	SchedulerOptions map[string]any

	HealthCheck *HealthCheck
	// SkipRetryConditions are those in which the service does not try again.
	SkipRetryConditions []RetryCondition
	// Retries are how often it does, at least 0 each.
	Retries map[RetryCondition]int
	// PrivateLogs keeps logs from callers; nil: not sent.
	PrivateLogs *bool
	// RunOnMainThread is sent as it is.
	RunOnMainThread *bool

	// SourceCode is shown in the dashboard; nil: not sent.
	SourceCode *string
	// OpenAPI is the app's description; nil for one with an Entrypoint: the
	// service is asked for it, by running the class's build_metadata. Its paths
	// are the app's endpoints. The values are those of JSON.
	OpenAPI map[string]any
}

// A Build says what an app's runners are made of: [Virtualenv], [Image],
// [Dockerfile], or [Definition] as the wire has it.
type Build interface {
	// definition is given whether the app is the image's own command.
	definition(imageOnly bool) (kind string, configuration map[string]any, err error)
}

// Virtualenv is an environment of Python packages.
type Virtualenv struct {
	// Requirements are in the syntax of pip; Layers are installed one after the
	// other, and only one of both may be given.
	Requirements []string
	Layers       [][]string
	// PythonVersion is as in "3.11".
	PythonVersion string
}

// Image is a container image by its reference.
type Image struct {
	Reference string
	// Entrypoint and Cmd replace the image's; nil keeps them.
	Entrypoint, Cmd *Command
	// Registries are the credentials for registries, by host.
	Registries    map[string]Registry
	PythonVersion string
}

// Dockerfile is an image that the service builds.
type Dockerfile struct {
	Text      string
	BuildArgs map[string]string
	// Secrets are those of the build, by name. They are not secrets of runners.
	Secrets    BuildSecrets
	Registries map[string]Registry
	// Entrypoint and Cmd replace those of Text; nil keeps them.
	Entrypoint, Cmd *Command
	// ContextDir is the folder of the build, on the machine that deploys.
	ContextDir string
	// Sources are what COPY and ADD name.
	Sources []string
	// Ignore are regular expressions, in Python's dialect, of paths that are
	// not part of the context.
	Ignore        []string
	PythonVersion string
}

// Definition is an environment as the wire has it: kind is "virtualenv",
// "container" or "conda", and the values of Configuration are those of JSON.
type Definition struct {
	Kind          string
	Configuration map[string]any
}

// A Command is a program with its arguments, or, if Exec is nil, a line that a
// shell reads.
type Command struct {
	Exec  []string
	Shell string
}

// Registry is how to log in to a registry of images. Printed, logged or encoded
// it does not show the password.
type Registry struct{ Username, Password string }

// SerializedObject is a Python value in the format of the module that Method
// names, such as "cloudpickle".
type SerializedObject struct {
	Method     string
	Definition []byte
}

// Source is a source distribution that stands for a requirement.
type Source struct {
	// Requirement is as it stands in the requirements: ".", "../lib[extra]".
	Requirement string
	// Package is the name of what is in it, Extras as in "[a,b]" or empty.
	Package, Extras string
	// FileName is as in "lib-1.0.tar.gz", Size in bytes. Open may be called
	// more than once.
	FileName string
	Size     int64
	Open     func() (io.ReadCloser, error)
}

// HealthCheck is how the service asks a runner whether it is well. What is nil
// is not sent.
type HealthCheck struct {
	Path string
	// StartPeriod and Timeout are in whole seconds.
	StartPeriod, Timeout *time.Duration
	FailureThreshold     *int
	CallRegularly        *bool
	AllowOnBusy          *bool
	// Method is "GET" or "POST"; empty: not sent, but GET for an image's own
	// command.
	Method string
}
