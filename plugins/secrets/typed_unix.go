//go:build !windows

package secrets

import (
	"context"
	"errors"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// moment is longer than a terminal takes from one line of a paste to the next,
// and shorter than anybody takes to type on.
const moment = 50 * time.Millisecond

// moreTyped reports whether the line that was just read from the terminal is
// followed by more, as when several lines are pasted. What follows is taken from
// the terminal: a shell would run it, and write it into its history.
func moreTyped(ctx context.Context, streams *iostreams.Streams) (bool, error) {
	raw, err := streams.EnterRaw()
	if errors.Is(err, iostreams.ErrNoTerminal) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	count := make(chan int, 1)
	more := make(chan struct{}, 1)
	go func() {
		defer raw.RestoreOnPanic()
		n := 0
		for buffer := make([]byte, 4096); ; {
			got, err := raw.In.Read(buffer)
			if n += got; err != nil {
				count <- n
				return
			}
			select {
			case more <- struct{}{}:
			default:
			}
		}
	}()
	wait := time.NewTimer(moment)
	defer wait.Stop()
	for quiet := false; !quiet; {
		select {
		case <-more:
			wait.Reset(moment)
		case <-wait.C:
			quiet = true
		case <-ctx.Done():
			quiet = true
		}
	}
	if err := raw.Restore(); err != nil {
		return false, err
	}
	return <-count > 0, nil
}
