// Package version says what was built. Get reads what the linker set
// (make build does) and falls back to what the Go toolchain recorded in the
// binary, so that `go install` and `go build` answer truthfully as well.
package version

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"strings"
)

// Set by -ldflags "-X …"; empty when built without make. The version stands
// between stampStart and stampEnd, so that it can be read out of a program
// without running it.
var (
	stamp  string
	commit string
	date   string
)

const (
	stampStart = "fal-version<"
	stampEnd   = ">"
)

// longestVersion bounds what is taken for a version, in bytes.
const longestVersion = 64

// Find reads the version out of a program's bytes, without its leading v. It is
// false for a program that make has not built.
func Find(program []byte) (version string, ok bool) {
	for {
		_, rest, found := bytes.Cut(program, []byte(stampStart))
		if !found {
			return "", false
		}
		end := bytes.IndexByte(rest[:min(len(rest), longestVersion+1)], stampEnd[0])
		if end > 0 && !bytes.ContainsFunc(rest[:end], func(r rune) bool { return r <= ' ' || r > '~' }) {
			return string(rest[:end]), true
		}
		program = rest
	}
}

func linked() string {
	v, _ := strings.CutPrefix(stamp, stampStart)
	return strings.TrimSuffix(v, stampEnd)
}

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
		Version:  linked(),
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
