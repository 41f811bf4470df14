package dispatch

import (
	"debug/buildinfo"
	"runtime/debug"
	"strings"
)

// module is where this project's plugins are built from.
const module = "github.com/fal-plugins/fal"

// versionOf reads the version of a plugin of this project out of its file. It
// is false for all other files. The version is the one given to the linker or
// that of the module, and empty when the file has neither.
func versionOf(path string) (version string, own bool) {
	info, err := buildinfo.ReadFile(path)
	if err != nil || info.Main.Path != module {
		return "", false
	}
	if linked := linkedVersion(info.Settings); linked != "" {
		return linked, true
	}
	if info.Main.Version == "(devel)" {
		return "", true
	}
	return info.Main.Version, true
}

// linkedVersion finds the version in -ldflags "-X importpath.version=VALUE".
func linkedVersion(settings []debug.BuildSetting) string {
	for _, setting := range settings {
		if setting.Key != "-ldflags" {
			continue
		}
		version := ""
		for _, field := range strings.FieldsFunc(setting.Value, func(r rune) bool { return strings.ContainsRune(" \t\n'\"", r) }) {
			name, value, assigned := strings.Cut(strings.TrimPrefix(field, "-X="), "=")
			if assigned && strings.HasPrefix(name, module+"/") && strings.HasSuffix(strings.ToLower(name), ".version") {
				version = value
			}
		}
		return version
	}
	return ""
}
