package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licences knows where the sources of the modules that get linked lie.
type licences struct {
	goroot  string
	modules map[string]string // path@version → folder
}

func findLicences(ctx context.Context, tree string) (licences, error) {
	list := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir, cmd.Env, cmd.Stderr = tree, fixed(), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go %s: %w", args[0], err)
		}
		return out, nil
	}
	root, err := list("env", "GOROOT")
	if err != nil {
		return licences{}, err
	}
	out, err := list("list", "-m", "-f", "{{.Path}}@{{.Version}}\t{{.Dir}}", "all")
	if err != nil {
		return licences{}, err
	}
	l := licences{goroot: strings.TrimSpace(string(root)), modules: map[string]string{}}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		name, dir, _ := strings.Cut(lines.Text(), "\t")
		l.modules[name] = dir
	}
	return l, nil
}

// writeNotices writes the licences of all that is linked into the programs,
// which those licences ask to be handed on with them.
func (l licences) writeNotices(to string, programs ...string) error {
	folders := map[string]string{"the Go standard library": l.goroot}
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p)
		if err != nil {
			return err
		}
		for _, dep := range info.Deps {
			name := dep.Path + "@" + dep.Version
			if l.modules[name] == "" {
				return fmt.Errorf("%s links %s, whose sources are not here", p, name)
			}
			folders[dep.Path+" "+dep.Version] = l.modules[name]
		}
	}
	return create(to, func(w io.Writer) error {
		fmt.Fprintln(w, "What these programs are made of besides their own sources, and on what terms.")
		for _, name := range slices.Sorted(maps.Keys(folders)) {
			texts, err := licenceFiles(folders[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, path := range texts {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				text = bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
				if _, err := fmt.Fprintf(w, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 72), name, filepath.Base(path), text); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// licenceFiles finds the licence and what else has to be handed on in the
// folder of a module. A module without any is an error.
func licenceFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	wanted := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`)
	var found []string
	for _, e := range entries {
		if wanted.MatchString(e.Name()) && e.Type().IsRegular() {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no licence in %s", dir)
	}
	return found, nil
}
