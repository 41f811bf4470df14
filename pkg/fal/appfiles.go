package fal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

const (
	// largestFile is the most that the service takes, in bytes.
	largestFile = 1 << 30
	// readAtOnce is how much of a file is read at a time, in bytes.
	readAtOnce = 256 << 10

	regularFile = 0o100000 // S_IFREG of st_mode
)

// An appFile is a file of an app as it was read.
type appFile struct {
	content         // its name is its path
	mode     uint32 // st_mode
	modified time.Time
	hash     string // of its bytes and mode
}

// listFiles finds the files of an app, in the order of their paths.
func listFiles(ctx context.Context, files fs.FS) ([]*appFile, error) {
	if files == nil {
		return nil, nil
	}
	var found []*appFile
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := fs.Stat(files, path)
		switch {
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", path)
		case info.Size() > largestFile:
			return fmt.Errorf("%s has %d bytes: a file may have %d at most", path, info.Size(), int64(largestFile))
		}
		open := func() (io.ReadCloser, error) { return files.Open(path) }
		found = append(found, &appFile{content: content{name: path, size: info.Size(), open: open}, mode: fileMode(info), modified: info.ModTime()})
		return nil
	})
	if err != nil {
		return nil, fileError(ctx, err)
	}
	return found, nil
}

// fileError is the error of reading what is to be deployed.
func fileError(ctx context.Context, err error) error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		code := CodeCanceled
		if errors.Is(cause, context.DeadlineExceeded) {
			code = CodeDeadlineExceeded
		}
		return &Error{Code: code, Method: "Deploy", Message: code.words(), cause: cause}
	}
	return &Error{Code: CodeInvalidArgument, Method: "Deploy", Message: err.Error(), cause: err}
}

func permissionsOf(info fs.FileInfo) uint32 { return regularFile | uint32(info.Mode().Perm()) }

// A hashable is read before anything is sent.
type hashable interface {
	bytes() int64
	read(ctx context.Context, buffer []byte, some func(int64)) error
}

// readAll reads all there is on all cores, the largest first, so that none is
// left to one core at the end. It says how many bytes it read, and when one is
// whole; it may do so from several goroutines at once.
func readAll(ctx context.Context, all []hashable, read func(bytes int64, whole int)) error {
	slices.SortStableFunc(all, func(a, b hashable) int { return cmp.Compare(b.bytes(), a.bytes()) })
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	buffers := sync.Pool{New: func() any { b := make([]byte, readAtOnce); return &b }}
	for _, one := range all {
		if reading.Err() != nil {
			break
		}
		group.Go(func() error {
			buffer := buffers.Get().(*[]byte)
			defer buffers.Put(buffer)
			if err := one.read(reading, *buffer, func(n int64) { read(n, 0) }); err != nil {
				return err
			}
			read(0, 1)
			return nil
		})
	}
	err := group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fileError(ctx, err)
	}
	return nil
}

func (f *appFile) read(ctx context.Context, buffer []byte, some func(int64)) error {
	hash := sha256.New()
	if err := f.content.read(ctx, buffer, hash, some); err != nil {
		return err
	}
	_, _ = io.WriteString(hash, strconv.FormatUint(uint64(f.mode), 10)) // never fails
	f.hash = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// metadata are what the calls of an upload say of the file.
func (f *appFile) metadata() restwire.FileMetadata {
	return restwire.FileMetadata{
		Size:  strconv.FormatInt(f.size, 10),
		MTime: pythonSeconds(f.modified),
		Mode:  strconv.FormatUint(uint64(f.mode), 10),
		Hash:  f.hash,
	}
}

// pythonSeconds is a time as Python writes it: seconds since 1970, with a point.
func pythonSeconds(t time.Time) string {
	if t.IsZero() {
		return "0.0"
	}
	seconds := float64(t.Unix()) + float64(t.Nanosecond())/1e9
	text := strconv.FormatFloat(seconds, 'f', -1, 64)
	if seconds == float64(int64(seconds)) {
		text += ".0"
	}
	return text
}
