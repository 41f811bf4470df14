package config

import "strings"

// The environment variables that are read.
const (
	varKey          = "FAL_KEY"
	varKeyID        = "FAL_KEY_ID"
	varKeySecret    = "FAL_KEY_SECRET"
	varProfile      = "FAL_PROFILE"
	varConfigPath   = "FAL_CONFIG_PATH"
	varHomeDir      = "FAL_HOME_DIR"
	varForceLogin   = "FAL_FORCE_AUTH_BY_USER"
	varHost         = "FAL_HOST"
	varGRPCHost     = "FAL_GRPC_HOST"
	varRESTHost     = "FAL_REST_HOST"
	varRunHost      = "FAL_RUN_HOST"
	varQueueHost    = "FAL_QUEUE_RUN_HOST"
	varEnvironment  = "FAL_ENV"
	varURLOutput    = "FAL_URL_OUTPUT"
	varDeployCheck  = "FAL_DEPLOY_CHECK"
	varKeepLinks    = "FAL_DONT_OPEN_LINKS"
	varTestMode     = "ISOLATE_TEST_MODE"
	varAuthDisabled = "ISOLATE_AUTH_DISABLED"
	varDebug        = "DEBUG"
)

// The flags that explicit inputs stand for.
const (
	flagProfile     = "--profile"
	flagHost        = "--host"
	flagTeam        = "--team"
	flagKey         = "--key"
	flagEnvironment = "--env"
)

// truthy reports whether a variable's value switches something on.
func truthy(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "false":
		return false
	}
	return true
}
