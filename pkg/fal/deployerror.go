package fal

// A DeployError is a deployment that did not come to its end. It wraps what
// went wrong, which is an *[Error] where a call did.
type DeployError struct {
	// Phase is what was under way; empty: nothing was begun. Before
	// [DeployUpload] nothing was sent; from [DeployBuild] on the service may go
	// on with the environment.
	Phase DeployPhase
	// Revision is the id of the revision that this deployment made, if the
	// service has told it: it is registered, and only its rollout, or what is
	// told of it, failed. The app may have been pointed elsewhere since.
	Revision string
	// Previous is the revision that the app pointed to before, whatever the
	// phase; empty: there was no such app, or it was not found out.
	Previous string
	Err      error
}

// Error is what went wrong, after what was under way.
func (e *DeployError) Error() string {
	if doing := e.Phase.doing(); doing != "" {
		return doing + ": " + e.Err.Error()
	}
	return e.Err.Error()
}

// Unwrap is what went wrong.
func (e *DeployError) Unwrap() error { return e.Err }

func (p DeployPhase) doing() string {
	switch p {
	case DeployHash:
		return "reading the files"
	case DeployUpload:
		return "uploading the files"
	case DeployBuild:
		return "building the environment"
	case DeployMetadata:
		return "asking the app for its description"
	case DeployRegister:
		return "registering the app"
	}
	return ""
}

// deployFailure is the type of [ErrDeployFailed]: a constant, so that no
// program can change what another one compares with.
type deployFailure string

func (e deployFailure) Error() string { return string(e) }

// ErrDeployFailed is matched by the error of a deployment that the service
// carried out and that failed: a build that ended in failure, a class that
// could not describe itself, an app that was not registered. The reason is in
// the log.
const ErrDeployFailed = deployFailure("fal: the deployment failed")

// deployFailed is the *[Error] of it.
func deployFailed(message string) *Error {
	return &Error{Code: CodeFailedPrecondition, Message: message, cause: ErrDeployFailed}
}
