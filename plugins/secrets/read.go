package secrets

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

const (
	// stdin is standard input where a path is given.
	stdin = "-"
	// maxEnvFile is far above what a process may have in variables, in bytes.
	maxEnvFile = 8 << 20
)

// errTooMuch is the error of reading more than is allowed.
var errTooMuch = errors.New("it is too large")

// read reads a file to its end, or standard input. It returns when the context
// ends: what stands behind a pipe may never come.
func read(ctx context.Context, inv *cli.Invocation, path string, limit int) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	ended := make(chan result, 1)
	go func() {
		var r io.Reader = inv.IO.In
		if path != stdin {
			f, err := os.Open(path)
			if err != nil {
				ended <- result{nil, err}
				return
			}
			defer f.Close()
			r = f
		}
		content, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		if err == nil && len(content) > limit {
			err = errTooMuch
		}
		ended <- result{content, err}
	}()
	select {
	case r := <-ended:
		return r.content, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// unreadable is the error of a command that could not read a file.
func unreadable(ctx context.Context, err error, path string) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return cli.Failuref("%s did not end in time", shown(path))
	case ctx.Err() != nil:
		return err
	}
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		err = failed.Err
	}
	return cli.Usagef("cannot read %s: %s", shown(path), err)
}

// shown is a path for people.
func shown(path string) string {
	if path == stdin {
		return "standard input"
	}
	return iostreams.SanitizeLine(path)
}
