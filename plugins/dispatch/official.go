package dispatch

import (
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/invocation"
)

const (
	// handedOver is the environment variable that ends circles: it lists who
	// was given which command line on the way to this process.
	handedOver = "FAL_HANDED_OVER"
	// maxHandOvers ends circles in which every round changes the arguments.
	// Each round adds two entries, ours and the other's.
	maxHandOvers = 16
)

// client is another fal on PATH.
type client struct {
	path string
	// visited are the entries of handedOver, with those of a hand-over to
	// path.
	visited []string
	// returned is set instead of path when all others had this command line
	// before.
	returned string
}

func (c client) found() bool { return c.path != "" }

// client finds the first fal on PATH that is not this program, nor another
// build of it, and that was not given these arguments before.
func (d *Dispatcher) client(args []string) client {
	self, err := os.Stat(d.env.Self)
	if d.env.Self == "" || err != nil {
		return client{}
	}
	var visited []string
	if value := variable(d.env.Environ, handedOver); value != "" {
		visited = strings.Split(value, ",")
	}
	returned := ""
	for _, folder := range d.finder.Path.Folders {
		file, found := d.finder.Path.In(folder, "fal")
		if !found || !file.Executable || os.SameFile(file.Info, self) {
			continue
		}
		if _, own := installed.Version(file.Path); own {
			continue // a second installation of this program
		}
		entry := visit(file.Path, args)
		if len(visited) >= maxHandOvers || slices.Contains(visited, entry) {
			returned = file.Path
			continue
		}
		return client{
			path:    file.Path,
			visited: slices.Concat(visited, []string{visit(d.env.Self, args), entry}),
		}
	}
	return client{returned: returned}
}

// visit stands for a program together with the arguments it gets.
func visit(path string, args []string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	sum := fnv.New64a()
	for _, part := range slices.Concat([]string{path}, args) {
		// A hash's Write never fails.
		_, _ = sum.Write([]byte(part))
		_, _ = sum.Write([]byte{0})
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

func (d *Dispatcher) handOver(to client, args []string) Program {
	environ := without(d.env.Environ, invocation.Variable, handedOver)
	return Program{
		Path: to.path,
		Args: args,
		Env:  append(environ, handedOver+"="+strings.Join(to.visited, ",")),
	}
}

// variable returns the value of an environment variable, or "".
func variable(environ []string, name string) string {
	for _, setting := range environ {
		if value, found := strings.CutPrefix(setting, name+"="); found {
			return value
		}
	}
	return ""
}

// without copies an environment, leaving variables out.
func without(environ []string, names ...string) []string {
	kept := make([]string, 0, len(environ)+1)
	for _, setting := range environ {
		name, _, _ := strings.Cut(setting, "=")
		if !slices.Contains(names, name) {
			kept = append(kept, setting)
		}
	}
	return kept
}
