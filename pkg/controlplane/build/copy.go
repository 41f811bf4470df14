package build

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// copying is a COPY or an ADD.
type copying struct {
	instructions.SourcesAndDest
	step    string
	from    string
	chmod   string
	chown   string
	exclude []string
	parents bool
	unpack  bool // archives
}

// selected is a file with its path below what was named as a source.
type selected struct {
	entry
	below string
}

func (c *carrier) copy(s *stage, root *os.Root, step copying) error {
	entries, err := c.sources(step)
	if entries == nil || err != nil {
		return err
	}
	if step.chown != "" {
		c.once("--chown is not followed: files belong to this user")
	}
	var mode fs.FileMode
	if step.chmod != "" {
		bits, err := strconv.ParseUint(step.chmod, 8, 12)
		if err != nil {
			c.once("--chmod=%s is not followed: octal digits are", step.chmod)
		}
		mode = fs.FileMode(bits).Perm()
	}
	var files []selected
	several := len(step.SourcePaths)+len(step.SourceContents) > 1
	for _, source := range step.SourcePaths {
		if step.step == "ADD" && isRemote(source) {
			c.once("not fetched: ADD %s", shorten(source))
			continue
		}
		found, roots := choose(*entries, source, step.parents)
		several = several || roots > 1
		switch {
		case len(found) > 0:
		case path.Clean("/"+filepath.ToSlash(source)) == "/":
			// The folder of all files is there, and may be empty.
		case step.from != "":
			c.once("COPY --from=%s %s: nothing is there, since no RUN step was executed", step.from, source)
		default:
			return failf("%s %s: that file was not uploaded: it does not exist, the ignore rules leave it out, or it is a symbolic link", step.step, source)
		}
		files = append(files, found...)
	}
	target := strings.TrimPrefix(s.absolute(step.DestPath), "/")
	folder := several || strings.HasSuffix(step.DestPath, "/") || strings.HasSuffix(step.DestPath, "/.") || step.DestPath == "." || target == ""
	if info, err := root.Stat(filepath.FromSlash(target)); target != "" && err == nil && info.IsDir() {
		folder = true
	}
	for _, f := range files {
		if excluded(f.path, step.exclude) {
			continue
		}
		name := target
		switch {
		case f.below != "":
			name = path.Join(target, f.below)
		case folder:
			name = path.Join(target, path.Base(f.path))
		}
		if mode != 0 {
			f.mode = mode
		}
		if step.unpack && f.below == "" {
			done, err := c.unpack(root, target, f.entry)
			if err != nil {
				return err
			}
			if done {
				continue
			}
		}
		if err := put(root, name, f.entry); err != nil {
			return err
		}
	}
	for _, content := range step.SourceContents {
		base, text := heredoc(content)
		name := target
		if folder {
			name = path.Join(target, base)
		}
		if mode == 0 {
			mode = 0o644
		}
		if err := write(root, name, mode, text); err != nil {
			return err
		}
	}
	if folder {
		return makeDir(root, target)
	}
	return nil
}

// sources are what a step copies from; nil when it copies nothing.
func (c *carrier) sources(step copying) (*[]entry, error) {
	if step.from == "" {
		return &c.context, nil
	}
	stage := c.find(step.from)
	if stage == nil {
		c.once("not copied, since images are not pulled: COPY --from=%s %s", step.from, strings.Join(step.SourcePaths, " "))
		return nil, nil
	}
	entries, err := entriesOf(stage.folder)
	return &entries, err
}

func isRemote(source string) bool {
	return strings.Contains(source, "://") || strings.HasPrefix(source, "git@")
}

// choose returns the files that a source of COPY names, and how many things it
// names.
func choose(entries []entry, source string, parents bool) (files []selected, roots int) {
	pattern := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(source)), "/")
	depth := strings.Count(pattern, "/") + 1
	seen := make(map[string]bool)
	for _, e := range entries {
		if pattern == "" {
			files = append(files, selected{e, e.path})
			continue
		}
		words := strings.Split(e.path, "/")
		if len(words) < depth {
			continue
		}
		head := strings.Join(words[:depth], "/")
		if head != pattern {
			if ok, err := path.Match(pattern, head); err != nil || !ok {
				continue
			}
		}
		seen[head] = true
		below := strings.Join(words[depth:], "/")
		if parents {
			below = e.path
		}
		files = append(files, selected{e, below})
	}
	return files, len(seen)
}

// excluded reports whether a path, or a folder that it is in, is one of the
// patterns.
func excluded(name string, patterns []string) bool {
	for _, pattern := range patterns {
		pattern = strings.TrimPrefix(path.Clean("/"+pattern), "/")
		tail, anywhere := strings.CutPrefix(pattern, "**/")
		words := strings.Split(name, "/")
		for i := range words {
			for j := i + 1; j <= len(words); j++ {
				if i > 0 && !anywhere {
					continue
				}
				if ok, err := path.Match(tail, strings.Join(words[i:j], "/")); ok && err == nil {
					return true
				}
			}
		}
	}
	return false
}

// The bounds of what an archive is unpacked to.
const (
	maxUnpacked        = 1 << 30 // bytes
	maxUnpackedEntries = 100_000
)

// unpack unpacks an archive into a folder of a tree, as ADD does; false if it is
// none.
func (c *carrier) unpack(root *os.Root, folder string, archive entry) (bool, error) {
	content, err := archive.open()
	if err != nil {
		return false, err
	}
	defer content.Close()
	reader := bufio.NewReaderSize(content, 64<<10)
	head, err := reader.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	var packed io.Reader = reader
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		if packed, err = gzip.NewReader(reader); err != nil {
			return false, nil
		}
	case bytes.HasPrefix(head, []byte("BZh")):
		packed = bzip2.NewReader(reader)
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		c.once("not unpacked, since it is compressed with xz: ADD %s", archive.path)
		return false, nil
	}
	// What is left out of an archive is read too; a sparse file has more bytes
	// than are read.
	files := tar.NewReader(&bounded{packed, maxUnpacked + maxUnpackedEntries*1024})
	left := int64(maxUnpacked)
	for entries := 0; ; entries++ {
		header, err := files.Next()
		first := entries == 0
		switch {
		case err == io.EOF:
			return !first, nil
		case errors.Is(err, errTooLarge) || entries >= maxUnpackedEntries:
			return false, tooLarge(archive)
		case err != nil && first:
			return false, nil
		case err != nil:
			return false, failf("ADD %s: %v", archive.path, err)
		}
		if err := c.ctx.Err(); err != nil {
			return false, err
		}
		name := path.Join(folder, path.Clean("/"+header.Name))
		name = strings.TrimPrefix(name, "/")
		switch header.Typeflag {
		case tar.TypeDir:
			err = makeDir(root, name)
		case tar.TypeReg:
			if left -= header.Size; left < 0 {
				return false, tooLarge(archive)
			}
			err = write(root, name, fs.FileMode(header.Mode), files)
		default:
			c.once("ADD %s: links and devices in it are left out", archive.path)
		}
		if errors.Is(err, errTooLarge) {
			return false, tooLarge(archive)
		}
		if err != nil {
			return false, err
		}
	}
}

func tooLarge(archive entry) error {
	return failf("ADD %s: it unpacks to more than %d bytes or %d files", archive.path, maxUnpacked, maxUnpackedEntries)
}

var errTooLarge = errors.New("there are too many bytes")

// bounded fails when more is read than it has left.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
