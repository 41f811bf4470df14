package dispatch

import (
	"context"
	"fmt"
	"os"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// Main runs fal and returns its exit code; on Unix it returns only when fal
// answers itself or the program can not be started.
func Main() int {
	args := os.Args[1:]
	if len(args) == 1 && (args[0] == "version" || args[0] == "--version") {
		// Asked for at every start of many shells and tools: nothing else is set up.
		_, err := fmt.Println(version.Get(programName))
		return cli.Report(programName, cli.Process{Args: args, Streams: iostreams.System(), Getenv: os.Getenv}, err)
	}
	d := New(FromProcess(), installed.Builtins())
	if len(args) > 0 && args[0] == cli.CompleteWord {
		return completeMain(d, args)
	}
	route, err := d.Resolve(context.Background(), args)
	if err == nil && route.Kind == Own {
		return cli.Main(app(d))
	}
	code := 0
	if err == nil {
		if route.Notice != "" {
			fmt.Fprintln(os.Stderr, "notice: "+route.Notice)
		}
		code, err = route.Program.Exec()
	}
	if err != nil {
		return cli.Report(programName, cli.Process{Args: args, Streams: iostreams.System(), Getenv: os.Getenv}, err)
	}
	return code
}

const programName = "fal"

// App declares fal, for what is written from declarations.
func App() *cli.App { return app(New(FromProcess(), installed.Builtins())) }

func app(d *Dispatcher) *cli.App {
	return &cli.App{
		Name:    programName,
		Summary: "Manage fal serverless",
		Description: "`fal NAME` runs the program fal-NAME, from a folder of PATH or from beside fal itself. " +
			"Any program of such a name is a command, unless fal itself has the word, or it is another name of a command, as runner is of runners; `fal plugin list` shows those that are installed, and `fal alias` sets words of your own.",
		Commands: []*cli.Command{newAlias(d), newCompletion(d), newHelp(d), newPlugin(d)},
		Overview: func() []cli.HelpSection { return overview(d) },
	}
}
