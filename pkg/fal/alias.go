package fal

import "strings"

// defaultEnvironment is the environment whose apps have no suffix.
const defaultEnvironment = "main"

const environmentSeparator = "--"

// JoinAlias is the alias of an app in an environment: "<app>--<environment>",
// or the bare name in none and in "main".
func JoinAlias(app, environment string) string {
	if environment == "" || environment == defaultEnvironment {
		return app
	}
	return app + environmentSeparator + environment
}

// SplitAlias takes an alias apart into the app's name and its environment,
// which is empty for "main". It is the reverse of [JoinAlias]: the last "--"
// counts.
func SplitAlias(alias string) (app, environment string) {
	i := strings.LastIndex(alias, environmentSeparator)
	if i <= 0 || i+len(environmentSeparator) == len(alias) {
		return alias, ""
	}
	return alias[:i], alias[i+len(environmentSeparator):]
}

// trimEnvironment is an alias without the suffix of its environment, if it has
// it: where the environment is known, another "--" is a part of the name.
func trimEnvironment(alias, environment string) string {
	suffix := JoinAlias("", environment)
	if app := strings.TrimSuffix(alias, suffix); app != "" {
		return app
	}
	return alias
}
