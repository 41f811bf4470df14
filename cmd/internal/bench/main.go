// Command bench measures whole commands against a peer in the same run and
// prints a table: median, peer's median, ratio and the bound that the ratio
// must keep. It exits with 1 when one does not. A table before it has the size
// of each program and what its --version takes, beside those of a hello world
// in Go and of `kubectl version --client` where there is one. Commands and peers take turns,
// so that a machine whose speed drifts does not favour either.
//
//	go run ./cmd/internal/bench [-runs N] [-only TEXT]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	runs := flag.Int("runs", 41, "counted runs of short commands; long ones take a quarter")
	only := flag.String("only", "", "benchmarks whose name contains this")
	bin := flag.String("bin", "bin", "folder of the built programs")
	serving := flag.String("serve", "", "be the control plane of a run, with its files in this folder")
	flag.Parse()
	if *serving != "" {
		if err := serve(context.Background(), *serving); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 2
		}
		return 0
	}
	ok, err := run(*bin, *runs, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	if !ok {
		return 1
	}
	return 0
}
