// Package complete completes the arguments and flags that name what the service
// has: runners, apps, revisions, keys, secrets, environments and accounts.
//
//	values := complete.Background()
//	app := values.In(&cli.App{…})
//	cli.Arg{Name: "APP", Complete: values.Apps()}
//
// A command that lists such things gives them away as it prints them:
//
//	for a, err := range complete.KeepApps(s, s.Client.Apps.List(ctx, nil)) {
//		…
//	}
//
// What it guarantees:
//
//   - What is offered comes from the cache if anything is there, however old it
//     is, and no network is touched: values older than 10 seconds are asked for
//     anew by a process in the background, the same program with a hidden
//     command, of which there is one at a time for each kind and which ends
//     within 5 seconds.
//   - With nothing in the cache the service is asked, for 800 milliseconds at
//     most, whatever there is to ask for and whether or not it can be kept. One that failed or did not answer is left alone for 10 seconds; one
//     that did not answer in time is then asked in the background only.
//   - Nothing is changed, asked or printed, and a login is not refreshed: when
//     its access token has ended, the service is not asked.
//   - Names are kept by host, account and environment in the cache of the
//     suite, at most 2,000 of a kind. Of secrets that is the names.
package complete

import (
	"context"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

const (
	// fresh is how long what was listed is offered without a look at the
	// service, and how long one that failed is left alone.
	fresh = 10 * time.Second
	// patience is how long Tab waits when there is nothing to offer.
	patience = 800 * time.Millisecond
	// background bounds the process that asks anew.
	background = 5 * time.Second
	// slow is how long a service that did not answer in time is asked in the
	// background only.
	slow = 10 * time.Minute
)

// Values makes completers. The zero Values offers what the cache has or the
// service answers, and starts no process.
type Values struct {
	start func(argv []string) error // this program, in the background
	now   func() time.Time
}

// Background returns Values that ask the service anew in the background.
func Background() Values { return Values{start: start} }

func (v Values) time() time.Time {
	if v.now != nil {
		return v.now()
	}
	return time.Now()
}

// In adds to an app what completion needs of it: completers of the flags that
// all its commands share, and the hidden command that runs in the background.
func (v Values) In(app *cli.App) *cli.App {
	app.CompleteFlags = map[string]cli.Completer{
		"profile": Profiles(),
		"team":    v.Accounts(nil),
		"env":     v.Environments(),
	}
	app.Commands = append(app.Commands, v.refreshCommand())
	return app
}

// known is what there is to offer. All that is asked for one line is over when
// patience is.
func (v Values) known(ctx context.Context, c *cli.Completion, inv *cli.Invocation, q query) []item {
	ctx, cancel := context.WithDeadline(ctx, c.Began.Add(patience))
	defer cancel()
	return v.look(inv, q, func(st shelf, s *session.Session) []item {
		if ctx.Err() != nil {
			return nil
		}
		return st.ask(ctx, s, v.time())
	})
}

// kept is what is there without a wait.
func (v Values) kept(inv *cli.Invocation, q query) []item {
	return v.look(inv, q, func(shelf, *session.Session) []item { return nil })
}

// look takes what is kept, and has it asked for anew if that is old. With
// nothing there it calls ask, unless the service was no help a moment ago.
func (v Values) look(inv *cli.Invocation, q query, ask func(shelf, *session.Session) []item) []item {
	s, st, err := q.open(inv)
	if err != nil {
		return nil
	}
	defer s.Close()
	l, found := st.load()
	now := v.time()
	if found && now.Sub(l.Listed).Abs() < fresh {
		return l.Items
	}
	failed, known := st.failure(s)
	since := now.Sub(failed.At).Abs()
	switch {
	case known && since < fresh:
	case found, known && failed.Late && since < slow:
		v.askInBackground(inv, st)
	default:
		return ask(st, s)
	}
	return l.Items
}

// describe is what stands beside a name.
func (i item) describe(now time.Time) string {
	var parts []string
	for _, p := range []string{i.App, i.About} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if i.Began != 0 {
		parts = append(parts, view.Age(int(max(now.Unix()-i.Began, 0))))
	}
	return strings.Join(parts, " ")
}
