package fal

import "time"

// DeployParams say how an app is deployed.
type DeployParams struct {
	// Strategy is how the runners of the new revision take over; nil: rolling.
	Strategy *DeploymentStrategy
	// ResetScale takes scaling settings from the App. Without it an app that
	// exists keeps its own: keep alive, minimum and maximum concurrency, both
	// buffers, scaling delay, request timeout and regions.
	ResetScale bool
	// Attach waits for the end of a rolling deployment, or does not; nil leaves
	// that to the service. It is an error with [StrategyRecreate].
	Attach *bool
	// NoCache builds the environment anew.
	NoCache bool
	// Message has at most 2048 characters; nil: none.
	Message *string
	// Annotations are at most 32, of keys of 1 to 64 characters that are not
	// "openapi", "message" or "annotations", and 16384 bytes in all as JSON.
	Annotations map[string]string
	// Progress, if not nil, is told what happens, one event at a time.
	Progress func(DeployEvent)
	// Uploads, if not nil, keeps how far files of more than 10 MiB have gone up,
	// for another deployment to go on with. Without it every upload that breaks
	// off begins anew, and nothing is written anywhere.
	Uploads UploadMemory
}

// DeployPhase is a part of a deployment.
type DeployPhase string

// The phases in their order. Those that have nothing to do are left out.
const (
	DeployHash     DeployPhase = "hash"     // files are read
	DeployUpload   DeployPhase = "upload"   // files that the service lacks go up
	DeployBuild    DeployPhase = "build"    // the service builds the environment
	DeployMetadata DeployPhase = "metadata" // the class describes itself
	DeployRegister DeployPhase = "register" // the revision is made, and rolled out
)

// DeployEvent is one step of a deployment: the beginning of a phase, its
// progress, a line of its log, or its end.
type DeployEvent struct {
	Phase DeployPhase
	// Started and Ended mark the first and the last event of a phase.
	Started, Ended bool
	// Err is why a phase that Ended failed.
	Err error
	// Elapsed is the time since the phase began.
	Elapsed time.Duration
	// Files and Bytes are what is done of TotalFiles and TotalBytes, in the
	// phases hash and upload. What need not go up does not count, but for the
	// parts that an earlier deployment sent of a file: they are done at once.
	Files, TotalFiles int
	Bytes, TotalBytes int64
	// Log is a line of the service's log; nil in other events.
	Log *DeployLog
}

// DeployLog is a line that the service logs during a deployment.
type DeployLog struct {
	Time time.Time
	// Source is "builder", "bridge" (setting up a runner) or "user".
	Source string
	// Level is as the service spells it: TRACE, DEBUG, INFO, STDOUT, STDERR,
	// WARNING, ERROR.
	Level   string
	Message string
}

// Deployment is what came of a deployment.
type Deployment struct {
	// Revision is the id of the new revision, Name the app's name without its
	// environment, and Environment as in [Options].
	Revision, Name, Environment string
	// Before is the app as it was; nil for one that is deployed for the first
	// time.
	Before *AppInfo
	// Detached: the rollout goes on.
	Detached bool
	AuthMode AuthMode
	// Endpoints are the paths of the app in the order that its description
	// tells, else sorted; "/" without one.
	Endpoints []string
	// URLs are those of the app: each endpoint is appended to them.
	URLs ServiceURLs
	// Phases are those that took place, in their order.
	Phases []PhaseDuration
}

// ServiceURLs are where an app is reached; those that the service does not
// give are empty.
type ServiceURLs struct{ Playground, Run, Queue, WS, Log string }

// PhaseDuration is how long a phase took.
type PhaseDuration struct {
	Phase    DeployPhase
	Duration time.Duration
}

// DeployPlan is what a deployment would do.
type DeployPlan struct {
	// Build and Register are the requests in protobuf's JSON with the wire's
	// field names, compact. Passwords of registries and secrets of a build, in
	// the code too, and names and passwords in URLs are replaced by "[redacted]", a
	// function's bytes by their number, and a
	// requirement that is a folder by its package and the name of its source
	// distribution, as "lib @ lib-1.0.tar.gz". The description that a class
	// gives of itself is not in it, since nothing is run.
	Build, Register []byte
	// Before is the app as it is; nil for one that does not exist.
	Before *AppInfo
	// After is the app as it would be.
	After AppInfo
	// Files are all that belong to the app, in the order of their paths, and
	// behind them the source distributions of its requirements.
	Files []PlannedFile
	// Bytes is how much would go up: the size of the files that are Missing.
	Bytes int64
	// Phases are those that took place, in their order.
	Phases []PhaseDuration
}

// PlannedFile is a file of an app. Its Hash is that of its bytes and mode.
type PlannedFile struct {
	Path, Hash string
	Size       int64
	// Missing: it would go up. Of several files with the same hash that the
	// service lacks, one does.
	Missing bool
	// Source: it is the distribution that a requirement which is a folder is
	// packed into. Its Path is its name, its Hash that of its bytes, and it goes
	// up every time.
	Source bool
}
