package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/invocation"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

const (
	// describeWord is the argument by which a plugin that announces it says
	// what it is: a line of JSON with the key summary.
	describeWord = "__describe"

	// answerFor bounds what is asked of plugins of others.
	answerFor = 500 * time.Millisecond

	aboutKind = "plugin"
	// aboutFor is how long it is kept, for a file that stays the same.
	aboutFor = 30 * 24 * time.Hour
	// againAfter is when a plugin is asked again that gave no answer.
	againAfter = 10 * time.Second

	longestSummary = 100 // characters
)

// about is what is known of a plugin without a command of it being run.
type about struct {
	installed.Announcement
	// Summary is one line, as the plugin gave it; empty without one.
	Summary string
	// Silent says that it announces a description and gave none.
	Silent bool
	// Unasked says that it announces a description and was not asked for it.
	Unasked bool
}

// about reads and asks what a plugin is, or remembers it: the size and the time
// of the file say whether it is still the same. What ctx did not leave half of
// the time for is asked another time.
func (d *Dispatcher) about(ctx context.Context, path string) about {
	return d.known(path, func() (string, error) { return d.describe(ctx, path) })
}

// announcement is what a plugin announces. It is not asked for anything.
func (d *Dispatcher) announcement(path string) installed.Announcement {
	return d.known(path, nil).Announcement
}

// errOutOfTime is that there was too little time to ask.
var errOutOfTime = errors.New("out of time")

// known is about a plugin, with what describe answers if that is not nil.
func (d *Dispatcher) known(path string, describe func() (string, error)) about {
	info, err := os.Stat(path)
	if err != nil {
		return about{}
	}
	memory := cache.Open(d.getenv, "", "")
	key := fmt.Sprintf("%s\x00%d\x00%d", path, info.Size(), info.ModTime().UnixNano())
	var known about
	if kept, found := memory.Get(aboutKind, key, aboutFor); found && json.Unmarshal(kept, &known) == nil {
		if describe == nil || !known.Silent && !known.Unasked {
			return known
		}
		if _, recent := memory.Get(aboutKind, key, againAfter); recent && known.Silent {
			return known
		}
	}
	known = about{Announcement: installed.Announced(path)}
	if known.Describe {
		if describe == nil {
			known.Unasked = true
		} else if known.Summary, err = describe(); errors.Is(err, errOutOfTime) {
			return known
		} else if err != nil {
			known.Silent = true
		}
	}
	if kept, err := json.Marshal(known); err == nil {
		_ = memory.Put(aboutKind, key, kept) // a cache is a convenience
	}
	return known
}

// describe asks a plugin for its summary.
func (d *Dispatcher) describe(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	end, _ := ctx.Deadline()
	enough := time.Until(end) > d.patience/2
	answer, err := d.ask(ctx, path, []string{describeWord}, d.askEnviron())
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && !enough:
		return "", errOutOfTime
	case err != nil:
		return "", err
	}
	var described struct {
		Summary string `json:"summary"`
	}
	if err := json.Unmarshal([]byte(answer), &described); err != nil {
		return "", err
	}
	summary := oneLine(described.Summary)
	if summary == "" {
		return "", errors.New("no summary")
	}
	return summary, nil
}

// oneLine makes text of others one short line, as summaries are written here.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || iostreams.IsUnsafe(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ".")
	if letters := []rune(text); len(letters) > longestSummary {
		text = string(letters[:longestSummary-1]) + "…"
	}
	return text
}

// askEnviron is the environment of a plugin that is asked.
func (d *Dispatcher) askEnviron() []string { return without(d.env.Environ, invocation.Variable) }

func (d *Dispatcher) getenv(name string) string { return variable(d.env.Environ, name) }

// summaries are what programs say of themselves, in their order, empty for
// those that say nothing. All are asked at the same time, and none is waited
// for longer than the others.
func (d *Dispatcher) summaries(ctx context.Context, paths []string) []string {
	summaries := make([]string, len(paths))
	var asking sync.WaitGroup
	turns := make(chan struct{}, mostAsked)
	for i, path := range paths {
		asking.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if ctx.Err() == nil {
				summaries[i] = d.about(ctx, path).Summary
			}
		})
	}
	asking.Wait()
	return summaries
}

// mostAsked bounds how many programs run at the same time.
const mostAsked = 8
