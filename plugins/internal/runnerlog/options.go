// Package runnerlog shows the logs of runners: of one, or of all that an app has
// as one.
//
//	o := runnerlog.New(time.Now, time.Second)
//	Flags: o.Flags(), // of the command, which prints text
//	JSON:  view.LogListKeys{},
//	Lasts: o.Lasts,
//
//	if err := o.Check(inv); err != nil {
//		return err // before anything is asked for
//	}
//	return o.App(ctx, inv, s, runnerlog.App{Alias: "checkout--staging", Name: "checkout"})
//
// What it guarantees: lines come out in the order of time, none is missing and
// none is shown twice, also when a follow loses its connection and makes it
// again. The newest N lines cost one round trip a runner, whatever there is
// before them, and memory does not grow with the log. The follow of a runner
// ends with it and says how it ended; that of an app goes on with the runners
// that come and without those that go, until the context ends.
package runnerlog

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Options are the flags of a command that shows logs.
type Options struct {
	now  func() time.Time
	poll time.Duration

	since, until time.Time
	search       string
	follow       bool
	noReconnect  bool
	lines        lineCount
	level        string
	grep         string
	timestamps   bool

	match *regexp.Regexp // of grep
}

// New makes the options of one command. While an app is followed, its runners
// are looked for at every second poll.
func New(now func() time.Time, poll time.Duration) *Options {
	return &Options{now: now, poll: poll, lines: lineCount{n: -1}}
}

// App is an app whose log is shown.
type App struct {
	Alias string // as its runners name it
	Name  string // in what is said about it
	Hint  string // what to do when it has no runners
}

// Flags declares the flags.
func (o *Options) Flags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "follow", Aliases: []string{"f"}, Value: cli.Bool(&o.follow), Usage: "show lines as they are written"},
		{Name: "lines", Aliases: []string{"n", "tail"}, Placeholder: "[+]N", Value: o.lines.value(), Usage: "only the newest N lines, or with + the oldest N; with --follow, the newest N and what comes"},
		{Name: "since", Placeholder: "TIME", Value: cli.Time(&o.since, o.now), Usage: "lines from then on: 30m, 1h, 1d, or an ISO timestamp; default: the start of the runner, or of each of several"},
		{Name: "until", Placeholder: "TIME", Value: cli.Time(&o.until, o.now), Usage: "lines before then; default: the runner's end, or now"},
		{Name: "search", Placeholder: "TEXT", Value: cli.NonEmpty(&o.search), Usage: "only lines in which the service finds the text"},
		{Name: "grep", Placeholder: "REGEXP", Value: cli.NonEmpty(&o.grep), Usage: "only lines that match a regular expression (of Go), with the matches coloured"},
		{Name: "level", Placeholder: "LEVEL", Values: view.LogLevelWords(), Value: cli.String(&o.level), Usage: "only lines of at least this level: " + strings.Join(view.LogLevels(), ", ")},
		{Name: "timestamps", Value: cli.Bool(&o.timestamps), Usage: "show RFC 3339 timestamps in UTC in place of the local time of day"},
		{Name: "no-reconnect", Value: cli.Bool(&o.noReconnect), Usage: "with --follow, fail when the connection is lost"},
	}
}

// Filtering describes --level, --search and --grep.
const Filtering = "--level keeps lines of that level or above: standard output counts as info, standard error as error, and lines of a level that is not known are kept. --search looks on the service's side, --grep on this one."

// Lasts is that of the command.
func (o *Options) Lasts() bool { return o.follow }

// Check refuses what does not go together. It comes before Runner and App.
func (o *Options) Check(inv *cli.Invocation) error {
	var err error
	switch {
	case o.noReconnect && !o.follow:
		return cli.Usagef("--no-reconnect goes with --follow")
	case o.lines.oldest && o.follow:
		return cli.Usagef("--lines +N is for the oldest lines, --follow for the newest").WithHint("--follow --since TIME starts where you want")
	case inv.Format == output.Name:
		return output.CheckObject(inv.Format)
	}
	if o.grep != "" {
		if o.match, err = regexp.Compile(o.grep); err != nil {
			return cli.Usagef("--grep %s: %s", strconv.Quote(o.grep), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	if !o.since.IsZero() && !o.until.IsZero() && o.until.Before(o.since) {
		o.since, o.until = o.until, o.since
	}
	return nil
}

// Runner shows the log of the runner that an argument means: see
// [runnerlist.Find].
func (o *Options) Runner(ctx context.Context, inv *cli.Invocation, s *session.Session, id string) error {
	return o.logs(inv, s).runner(ctx, id)
}

// App shows the logs of an app's runners as one: of those that are alive and
// those that ended within a day, or since --since.
func (o *Options) App(ctx context.Context, inv *cli.Invocation, s *session.Session, app App) error {
	return o.logs(inv, s).app(ctx, app)
}

func (o *Options) logs(inv *cli.Invocation, s *session.Session) *logs {
	return &logs{Options: o, inv: inv, session: s, began: o.now()}
}

// lineCount is the value of --lines.
type lineCount struct {
	n      int // -1: all
	oldest bool
}

// value is a number to the order of arguments, so that -n -2 is a bad value and
// not a missing one.
func (l *lineCount) value() cli.Value { return lineCountValue{Value: cli.Int(new(int), 0, 0), to: l} }

type lineCountValue struct {
	cli.Value
	to *lineCount
}

// Set implements [cli.Value].
func (v lineCountValue) Set(text string) error {
	digits, oldest := strings.CutPrefix(text, "+")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return errors.New("want N for the newest lines, or +N for the oldest")
	}
	*v.to = lineCount{n: int(n), oldest: oldest}
	return nil
}
