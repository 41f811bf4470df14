// Package version says what was built. Get reads what the linker set
// (make build does) and falls back to what the Go toolchain recorded in the
// binary, so that `go install` and `go build` answer truthfully as well.
package version

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Set by -ldflags "-X …"; empty when built without make.
var (
	version string
	commit  string
	date    string
)

// Info describes a build. Empty strings mean that it is not known.
type Info struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Get describes the running binary, which calls itself name.
func Get(name string) Info {
	info := Info{
		Name:     name,
		Version:  version,
		Commit:   commit,
		Date:     date,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info.Version != "" && info.Commit != "" {
		return info
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info.orDevel()
	}
	if info.Version == "" && build.Main.Version != "(devel)" {
		info.Version = strings.TrimPrefix(build.Main.Version, "v")
	}
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision" && info.Commit == "":
			info.Commit = s.Value
		case s.Key == "vcs.time" && info.Date == "":
			info.Date = s.Value
		}
	}
	return info.orDevel()
}

func (i Info) orDevel() Info {
	if i.Version == "" {
		i.Version = "devel"
	}
	return i
}

// String is the one line of --version: the name, the version, and in
// brackets what else is known.
func (i Info) String() string {
	known := make([]string, 0, 4)
	if i.Commit != "" {
		known = append(known, i.Commit[:min(12, len(i.Commit))])
	}
	if i.Date != "" {
		known = append(known, i.Date)
	}
	known = append(known, i.Go, i.Platform)
	return i.Name + " " + i.Version + " (" + strings.Join(known, ", ") + ")"
}

// UserAgent names the binary and its version to a server.
func (i Info) UserAgent() string { return i.Name + "/" + i.Version + " (" + i.Platform + ")" }
