package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// untagged is the version of a commit that no tag leads to: Go's pseudo-version,
// so that an archive and `go install …@<commit>` give the same answer.
func untagged(ctx context.Context, tree, commit string, when time.Time) (string, error) {
	if len(commit) < 12 {
		return "", errors.New("this is no git checkout: give the version, as in make dist VERSION=1.2.3")
	}
	version := "0.0.0-" + when.UTC().Format("20060102150405") + "-" + commit[:12]
	if _, err := os.Stat(filepath.Join(tree, ".git")); err != nil {
		return version, nil
	}
	cmd := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no")
	cmd.Dir, cmd.Stderr = tree, os.Stderr
	changed, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git status: %w", err)
	}
	if len(changed) > 0 {
		version += "+dirty"
	}
	return version, nil
}

// packageVersion writes a version so that dpkg and rpm sort it as it is meant:
// what precedes a release behind a tilde, what follows one behind a plus.
// Neither may hold a hyphen, which parts version and release there.
func packageVersion(version string) (string, error) {
	pseudo := regexp.MustCompile(`^0\.0\.0-([0-9]{14})-([0-9a-f]{12})$`)
	described := regexp.MustCompile(`-([0-9]+)-g([0-9a-f]{4,40})$`)
	number := regexp.MustCompile(`^[0-9]+(\.[0-9]+)*`)
	valid := regexp.MustCompile(`^[0-9][0-9A-Za-z.+~]*$`)

	rest, after := version, ""
	for _, mark := range []string{"-dirty", "+dirty"} {
		if clean, ok := strings.CutSuffix(rest, mark); ok {
			rest, after = clean, "+dirty"
		}
	}
	if m := pseudo.FindStringSubmatch(rest); m != nil {
		return "0.0.0~git" + m[1] + "." + m[2] + after, nil
	}
	if m := described.FindStringSubmatch(rest); m != nil {
		rest, after = strings.TrimSuffix(rest, m[0]), "+"+m[1]+".g"+m[2]+after
	}
	base := number.FindString(rest)
	before := rest[len(base):]
	if pre, ok := strings.CutPrefix(before, "-"); ok {
		before = "~" + strings.ReplaceAll(pre, "-", ".")
	}
	written := base + before + after
	if base == "" || !valid.MatchString(written) || before != "" && !strings.ContainsAny(before[:1], "~+") {
		return "", fmt.Errorf("%q is no version: want 1.2.3, 1.2.3-rc.1 or what git describe adds to them", version)
	}
	return written, nil
}
