package installed

import (
	"debug/buildinfo"
	"os"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/version"
)

// Module is the Go module that this project's programs are built from.
const Module = "github.com/fal-plugins/fal"

// Version reads the version of a program of this project out of its file. It
// is false for all other files. The version is the one that make gave to the
// linker, or else that of the module; empty when the file has neither.
func Version(path string) (_ string, own bool) {
	info, err := buildinfo.ReadFile(path)
	if err != nil || info.Main.Path != Module {
		return "", false
	}
	if content, err := os.ReadFile(path); err == nil {
		if v, ok := version.Find(content); ok {
			return v, true
		}
	}
	if info.Main.Version == "(devel)" {
		return "", true
	}
	return strings.TrimPrefix(info.Main.Version, "v"), true
}
