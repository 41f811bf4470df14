package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// checksums is the name of the file that lists what a release consists of.
const checksums = "SHA256SUMS"

// release is what to build, and from what.
type release struct {
	tree    string // root of the sources
	man     string // folder of the manual pages; empty: written anew
	out     string
	version string    // without leading v
	when    time.Time // of every file in an archive
	tags    string
	ldflags string
	systems []system
}

// write builds everything and puts it into the folder out, in the place of the
// release that is there. When it fails, that one stays as it is.
func (r release) write(ctx context.Context, progress io.Writer) (err error) {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	work, err := os.MkdirTemp(r.out, ".building-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	man := r.man
	if man == "" {
		man = filepath.Join(work, "man")
		if err := r.buildManual(ctx, filepath.Join(man, "man1")); err != nil {
			return err
		}
	}
	all, err := programs(r.tree, man)
	if err != nil {
		return err
	}
	fresh := filepath.Join(work, "fresh")
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	l, err := findLicences(ctx, r.tree)
	if err != nil {
		return err
	}
	pack, err := r.buildPackager(ctx, work, fresh)
	if err != nil {
		return err
	}
	packed := false
	for _, s := range r.systems {
		fmt.Fprintln(progress, s)
		bin := filepath.Join(work, s.os+"-"+s.arch)
		if err := r.build(ctx, s, bin, names(all)); err != nil {
			return err
		}
		if err := r.archive(s, all, bin, fresh, l); err != nil {
			return err
		}
		if s.os == "linux" {
			if err := pack.writeAll(ctx, all, s.arch, bin, l); err != nil {
				return err
			}
			packed = true
		}
	}
	if packed {
		if err := pack.writeSuite(ctx, all); err != nil {
			return err
		}
	}
	if err := writeChecksums(fresh); err != nil {
		return err
	}
	return replace(r.out, fresh)
}

func names(all []program) []string {
	var names []string
	for _, p := range all {
		names = append(names, p.name)
	}
	return names
}

// archive writes the archive of one system, laid out so that its bin and share
// can be copied into any prefix.
func (r release) archive(s system, all []program, bin, out string, l licences) error {
	notices := bin + ".notices"
	files := []file{
		{"LICENSE", filepath.Join(r.tree, "LICENSE"), 0o644},
		{"README.md", filepath.Join(r.tree, "README.md"), 0o644},
		{"THIRD-PARTY-LICENSES", notices, 0o644},
	}
	var built []string
	for _, p := range all {
		from := filepath.Join(bin, s.program(p.name))
		built = append(built, from)
		files = append(files, file{"bin/" + s.program(p.name), from, 0o755})
		for _, d := range p.docs {
			files = append(files, file{d.installed("share/zsh/site-functions"), d.from, 0o644})
		}
	}
	if err := l.writeNotices(notices, built...); err != nil {
		return err
	}
	top := "fal_" + r.version + "_" + s.os + "_" + s.arch
	if s.os == "windows" {
		return writeZip(filepath.Join(out, top+".zip"), top, files, r.when)
	}
	return writeTarGz(filepath.Join(out, top+".tar.gz"), top, files, r.when)
}

// writeChecksums lists the files of dir in the form that sha256sum -c reads.
func writeChecksums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		hash := sha256.New()
		if err := copyFrom(hash, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", hash.Sum(nil), e.Name())
	}
	return os.WriteFile(filepath.Join(dir, checksums), []byte(sums.String()), 0o644)
}

// replace moves the files of fresh into out and removes those of the release
// before, which are the ones that its checksums name.
func replace(out, fresh string) error {
	former, err := os.Open(filepath.Join(out, checksums))
	if err == nil {
		defer former.Close()
		for lines := bufio.NewScanner(former); lines.Scan(); {
			_, name, ok := strings.Cut(lines.Text(), "  ")
			if !ok || name != filepath.Base(name) {
				continue
			}
			if err := os.Remove(filepath.Join(out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(fresh)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(fresh, e.Name()), filepath.Join(out, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
