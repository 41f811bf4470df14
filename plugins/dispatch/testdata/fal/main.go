// Command fal is a dispatcher with two commands of its own, for tests.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/fal-plugins/fal/plugins/dispatch"
	"github.com/fal-plugins/fal/plugins/internal/installed"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	d := dispatch.New(dispatch.FromProcess(), []installed.Builtin{{Name: "help"}, {Name: "version"}})
	route, err := d.Resolve(context.Background(), args)
	if err != nil {
		return report(stderr, err)
	}
	if route.Kind == dispatch.Own {
		fmt.Fprintln(stdout, "own", args)
		return 0
	}
	if route.Notice != "" {
		fmt.Fprintln(stderr, "note:", route.Notice)
	}
	code, err := route.Program.Exec()
	if err != nil {
		return report(stderr, err)
	}
	return code
}

func report(stderr io.Writer, err error) int {
	fmt.Fprintln(stderr, "fal: error:", err)
	if hinted, ok := err.(interface{ Hints() []string }); ok {
		for _, hint := range hinted.Hints() {
			fmt.Fprintln(stderr, "hint:", hint)
		}
	}
	if coded, ok := err.(interface{ ExitCode() int }); ok {
		return coded.ExitCode()
	}
	return 1
}
