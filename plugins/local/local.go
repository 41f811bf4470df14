// Package local is the fal-local program: the control plane on this machine.
//
//	func main() { os.Exit(local.Main()) }
//
// Main is also what the program becomes when it starts itself again, told by
// the first argument: the supervisor of a runner, the sample app, the detached
// server.
//
// Everything of one control plane is in one data folder, and one server at a
// time runs in it: it holds a lock that the system gives back when the process
// ends, however that happens. Whether a server is running is decided by that
// lock and by who answers with the token of the folder, never by a process id.
// No process is ever signalled by a number that was read from a file.
package local

import (
	"context"
	"os"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/sample"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
)

// First arguments by which the program becomes something other than its
// commands.
const (
	superviseWord = "__supervise"
	sampleWord    = "__sample"
	serveWord     = "__serve"
)

// Main runs fal-local and returns its exit code.
func Main() int {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case superviseWord:
			return runtime.Supervise()
		case sampleWord:
			return sample.Main(context.Background(), os.Environ())
		}
	}
	return cli.Main(App())
}

// App declares fal-local.
func App() *cli.App {
	return &cli.App{
		Name:    "fal-local",
		Noun:    "local",
		Summary: "Run a control plane on this machine, to try things without an account",
		Description: "The control plane answers on 127.0.0.1 only, and its runners are processes of this machine. " +
			"`fal local start --sample` brings it up with something to look at, `eval \"$(fal local env)\"` points a shell at it, and `eval \"$(fal local env --unset)\"` away again.",
		CompileJQ: jq.Compile,
		Commands: []*cli.Command{
			newStart(), newStop(), newStatusCommand(), newLogs(), newEnv(), newUse(), newReset(), newServe(),
		},
	}
}

// flag is what names the folder on the command lines that we advise.
func (d dataDir) flag() string {
	usual, err := resolveDataDir("", os.Getenv)
	if err == nil && usual == d {
		return ""
	}
	return " --data-dir " + cli.Quote(string(d))
}

// folderOptions are what every command takes to find the control plane.
type folderOptions struct {
	path string // --data-dir
}

func (o *folderOptions) flag() *cli.Flag {
	return &cli.Flag{Name: "data-dir", Placeholder: "DIR", Value: cli.NonEmpty(&o.path), Complete: cli.Dirs(),
		Usage: "folder of the control plane; without it ~/.fal/local, or local in FAL_HOME_DIR"}
}

// open finds the folder; it touches nothing.
func (o *folderOptions) open(inv *cli.Invocation) (dataDir, error) {
	return resolveDataDir(o.path, inv.Getenv)
}

// running finds the folder, the control plane that runs on it, and its key.
func (o *folderOptions) running(ctx context.Context, inv *cli.Invocation) (dataDir, *instance, controlplane.Credentials, error) {
	dir, err := o.open(inv)
	if err != nil {
		return "", nil, controlplane.Credentials{}, err
	}
	found, err := dir.running(ctx)
	if err != nil {
		return "", nil, controlplane.Credentials{}, err
	}
	key, err := controlplane.ReadCredentials(string(dir))
	if err != nil {
		return "", nil, controlplane.Credentials{}, dir.failure("cannot read", err)
	}
	return dir, found, key, nil
}
