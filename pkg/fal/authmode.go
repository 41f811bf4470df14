package fal

// An AuthMode says who may call an app. Numbers that this package does not know
// are kept, and their names are unknown(<n>).
type AuthMode int32

const (
	// AuthPrivate: the account that owns it.
	AuthPrivate AuthMode = 0
	// AuthPublic: anybody; the owner pays.
	AuthPublic AuthMode = 1
	// AuthShared: whoever is logged in; the caller pays.
	AuthShared AuthMode = 2
)

func authModes() vocabulary[AuthMode] {
	return vocabulary[AuthMode]{what: "auth mode", names: []string{"private", "public", "shared"}, unknown: "unknown"}
}

// String is the mode's name in lower case.
func (m AuthMode) String() string { return authModes().name(m) }

// AuthModes are the names of the known modes.
func AuthModes() []string { return authModes().names }

// ParseAuthMode reads a mode's name in any case. The error is
// [ErrInvalidArgument].
func ParseAuthMode(name string) (AuthMode, error) { return authModes().parse(name) }

// A DeploymentStrategy says how the runners of another revision take over. Its
// zero value is not the service's default, which is [StrategyRolling].
type DeploymentStrategy int32

const (
	// StrategyRecreate ends the old runners first.
	StrategyRecreate DeploymentStrategy = 0
	// StrategyRolling starts the new runners first; then the old ones finish
	// their requests.
	StrategyRolling DeploymentStrategy = 1
)

func deploymentStrategies() vocabulary[DeploymentStrategy] {
	return vocabulary[DeploymentStrategy]{what: "deployment strategy", names: []string{"recreate", "rolling"}, unknown: "unknown"}
}

// String is the strategy's name in lower case; unknown(<n>) for a number that
// this package does not know.
func (s DeploymentStrategy) String() string { return deploymentStrategies().name(s) }

// DeploymentStrategies are the names of the known strategies.
func DeploymentStrategies() []string { return deploymentStrategies().names }

// ParseDeploymentStrategy reads a strategy's name in any case. The error is
// [ErrInvalidArgument].
func ParseDeploymentStrategy(name string) (DeploymentStrategy, error) {
	return deploymentStrategies().parse(name)
}
