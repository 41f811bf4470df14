// Command man writes the manual pages of every program and command, from the
// declarations that parse and describe them at the terminal.
//
//	go run ./cmd/internal/man -version 1.2.3 -date 2026-01-02T03:04:05Z dist/man/man1
//
// The pages of a version and date are always the same. Pages in the folder
// that no program has any more are removed; nothing else there is touched.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	version := flag.String("version", "", "version that the pages name")
	date := flag.String("date", "", "time of the commit, RFC 3339")
	flag.Parse()
	err := func() error {
		if flag.NArg() != 1 {
			return fmt.Errorf("want one folder, not %q", flag.Args())
		}
		written, err := pages(*version, *date)
		if err != nil {
			return err
		}
		return write(flag.Arg(0), written)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		return 1
	}
	return 0
}
