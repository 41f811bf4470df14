// Command dist builds what is handed out: for every system an archive with
// the programs, their completions and manual pages, .deb and .rpm packages
// for Linux, and SHA256SUMS.
//
//	make dist
//
// The same commit, Go and flags give the same bytes, wherever and whenever
// they are built: every time in an archive is that of the commit, or
// SOURCE_DATE_EPOCH, and no path, user or host of the machine gets in.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	var r release
	var version, commit, date, only string
	flag.StringVar(&r.tree, "tree", ".", "root of the source tree")
	flag.StringVar(&r.out, "out", "dist", "folder to write to")
	flag.StringVar(&r.man, "man", "", "folder of the manual pages; empty: written anew")
	flag.StringVar(&r.tags, "tags", "", "build tags")
	flag.StringVar(&r.ldflags, "ldflags", "", "linker flags, to which the version is added")
	flag.StringVar(&version, "version", "", "version, as git describe gives it without the leading v; empty: from commit and date")
	flag.StringVar(&commit, "commit", "", "commit that is built")
	flag.StringVar(&date, "date", "", "date of the commit, RFC 3339")
	flag.StringVar(&only, "only", "", "systems to build for, such as linux/amd64, separated by commas; empty: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := func() (err error) {
		if flag.NArg() > 0 {
			return fmt.Errorf("unexpected argument %q", flag.Arg(0))
		}
		if r.systems, err = systemsFrom(only); err != nil {
			return err
		}
		if r.when, err = timestamp(os.Getenv("SOURCE_DATE_EPOCH"), date); err != nil {
			return err
		}
		if r.version = version; version == "" {
			if r.version, err = untagged(ctx, r.tree, commit, r.when); err != nil {
				return err
			}
		}
		return r.write(ctx, os.Stderr)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		return 1
	}
	return 0
}

// timestamp is the time that everything in the archives bears: epoch, in
// seconds since 1970, or else the date of the commit.
func timestamp(epoch, date string) (time.Time, error) {
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < 0 {
			return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q: want seconds since 1970", epoch)
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	if date == "" {
		return time.Time{}, fmt.Errorf("this is no git checkout: set SOURCE_DATE_EPOCH")
	}
	when, err := time.Parse(time.RFC3339, date)
	return when.UTC(), err
}

// system is an operating system and a processor, in Go's words.
type system struct{ os, arch string }

func (s system) String() string { return s.os + "/" + s.arch }

func (s system) program(name string) string {
	if s.os == "windows" {
		return name + ".exe"
	}
	return name
}

func allSystems() []system {
	var all []system
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, goarch := range []string{"amd64", "arm64"} {
			all = append(all, system{goos, goarch})
		}
	}
	return all
}

func systemsFrom(only string) ([]system, error) {
	if only == "" {
		return allSystems(), nil
	}
	var chosen []system
	for word := range strings.SplitSeq(only, ",") {
		found := false
		for _, s := range allSystems() {
			if s.String() == word {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("-only: %q is none of %v", word, allSystems())
		}
	}
	return chosen, nil
}
