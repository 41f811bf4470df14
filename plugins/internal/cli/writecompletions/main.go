// Command writecompletions writes the completion scripts of programs into a folder:
//
//	writecompletions -o FOLDER PROGRAM...
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func main() { os.Exit(run()) }

func run() int {
	folder := flag.String("o", "completions", "folder to write to")
	flag.Parse()
	if err := write(*folder, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "writecompletions:", err)
		return 1
	}
	return 0
}

func write(folder string, programs []string) error {
	for _, shell := range cli.CompletionShells() {
		in := filepath.Join(folder, shell)
		if err := os.MkdirAll(in, 0o755); err != nil {
			return err
		}
		for _, program := range programs {
			script, err := cli.CompletionScript(shell, program)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(in, cli.CompletionFile(shell, program)), []byte(script), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
