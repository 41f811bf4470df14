package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type logsOptions struct {
	dependencies

	target       string
	since, until time.Time
	search       string
	follow       bool
	noReconnect  bool
	lines        lineCount
	level        string
	grep         string
	timestamps   bool
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

const (
	// appPrefix stands before an app's name where a runner could be named.
	appPrefix = "app/"
	// followBack is where a follow starts unless told otherwise.
	followBack = time.Minute
	// endLeeway is for a line written as the runner ended: whether the service
	// counts the end of a window to it is not known.
	endLeeway = time.Second
	// logPage is the most lines that the service gives at once.
	logPage = 1000
)

func newLogs(d dependencies) *cli.Command {
	o := &logsOptions{dependencies: d, lines: lineCount{n: -1}}
	return &cli.Command{
		Name:    "logs",
		Aliases: []string{"log"},
		Summary: "Show the log of a runner, or of all runners of an app",
		Description: "Shows a runner's log, the oldest line first. The log of all runners of an app, in the order of time, is that of " + appPrefix + "NAME: of those alive and of those that ended within a day, or since --since.\n\n" +
			"With --follow, lines are shown as they are written, from a minute ago on unless --since or --lines says otherwise, until the runner has ended. When the connection is lost it is made again, and no line is missing or shown twice. The follow of an app goes on with the runners that come and without those that go, and never ends by itself.\n\n" +
			"--level keeps lines of that level or above: standard output counts as info, standard error as error, and lines of a level that is not known are kept. --search looks on the service's side, --grep on this one.",
		Args:   []cli.Arg{{Name: "ID|" + appPrefix + "NAME", Usage: "a runner, by its id or a unique beginning of it, or an app", Value: cli.NonEmpty(&o.target)}},
		Output: cli.Text,
		JSON:   view.LogListKeys{},
		Flags: []*cli.Flag{
			{Name: "follow", Aliases: []string{"f"}, Value: cli.Bool(&o.follow), Usage: "show lines as they are written"},
			{Name: "lines", Aliases: []string{"n", "tail"}, Placeholder: "[+]N", Value: o.lines.value(), Usage: "only the newest N lines, or with + the oldest N; with --follow, the newest N and what comes"},
			{Name: "since", Placeholder: "TIME", Value: cli.Time(&o.since, d.now), Usage: "lines from then on: 30m, 1h, 1d, or an ISO timestamp; default: the runner's start"},
			{Name: "until", Placeholder: "TIME", Value: cli.Time(&o.until, d.now), Usage: "lines before then; default: the runner's end, or now"},
			{Name: "search", Placeholder: "TEXT", Value: cli.NonEmpty(&o.search), Usage: "only lines in which the service finds the text"},
			{Name: "grep", Placeholder: "REGEXP", Value: cli.NonEmpty(&o.grep), Usage: "only lines that match a regular expression (of Go), with the matches coloured"},
			{Name: "level", Placeholder: "LEVEL", Values: view.LogLevelWords(), Value: cli.String(&o.level), Usage: "only lines of at least this level: " + strings.Join(view.LogLevels(), ", ")},
			{Name: "timestamps", Value: cli.Bool(&o.timestamps), Usage: "show RFC 3339 timestamps in UTC in place of the local time of day"},
			{Name: "no-reconnect", Value: cli.Bool(&o.noReconnect), Usage: "with --follow, fail when the connection is lost"},
		},
		Lasts: func() bool { return o.follow },
		Examples: []cli.Example{
			{Comment: "the last ten lines, and what comes", Line: "fal runners logs 4f2a91c0 -n 10 -f"},
			{Comment: "what went wrong in an app in the last hour", Line: "fal runners logs app/checkout --since 1h --level error"},
			{Comment: "the messages alone", Line: "fal runners logs 4f2a91c0 --jq '.logs[].message'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runLogs(ctx, inv, o) },
	}
}

func runLogs(ctx context.Context, inv *cli.Invocation, o *logsOptions) error {
	l, err := o.logs(inv)
	if err != nil {
		return err
	}
	if l.session, err = o.connect(ctx, inv); err != nil {
		return err
	}
	defer l.session.Close()
	if name, ok := strings.CutPrefix(o.target, appPrefix); ok {
		return l.app(ctx, name)
	}
	return l.runner(ctx)
}

// logs checks the options.
func (o *logsOptions) logs(inv *cli.Invocation) (*logs, error) {
	l := &logs{logsOptions: o, inv: inv, now: o.now()}
	var err error
	switch {
	case o.target == appPrefix:
		return nil, cli.Usagef("no app is named: want %sNAME", appPrefix)
	case o.noReconnect && !o.follow:
		return nil, cli.Usagef("--no-reconnect goes with --follow")
	case o.lines.oldest && o.follow:
		return nil, cli.Usagef("--lines +N is for the oldest lines, --follow for the newest").WithHint("--follow --since TIME starts where you want")
	case inv.Format == output.Name:
		return nil, output.CheckObject(inv.Format)
	}
	if o.grep != "" {
		if l.match, err = regexp.Compile(o.grep); err != nil {
			return nil, cli.Usagef("--grep %s: %s", strconv.Quote(o.grep), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	if !o.since.IsZero() && !o.until.IsZero() && o.until.Before(o.since) {
		o.since, o.until = o.until, o.since
	}
	return l, nil
}

// logs is one run of the command.
type logs struct {
	*logsOptions
	inv     *cli.Invocation
	session *session.Session
	match   *regexp.Regexp
	now     time.Time
}

// patience bounds a single request; 0 when the whole command is bounded.
func (l *logs) patience() time.Duration {
	if l.inv.Timeout > 0 && !l.follow {
		return 0
	}
	return cmp.Or(l.inv.Timeout, cli.DefaultTimeout)
}

// filters reports whether lines are left out on this side.
func (l *logs) filters() bool { return l.level != "" || l.match != nil }

func (l *logs) keep(line view.LogLine) bool {
	return (l.level == "" || line.AtLeast(l.level)) && (l.match == nil || l.match.MatchString(line.Text()))
}

func (l *logs) text(runners bool) view.LogText {
	return view.LogText{Timestamps: l.timestamps, Runners: runners, Match: l.match, Paint: l.inv.Printer.Paint, Location: l.now.Location()}
}

// runner shows the log of one runner.
func (l *logs) runner(ctx context.Context) error {
	found, err := l.find(ctx, l.inv, l.session, l.target, true)
	if err != nil {
		return err
	}
	id := found.RunnerID
	life, err := l.life(ctx, id)
	if err != nil {
		return err
	}
	params := l.window(life)
	if l.follow {
		return l.followRunner(ctx, id, life, params)
	}
	return l.print(ctx, l.history(ctx, id, params, nil), l.text(false))
}

func (l *logs) life(ctx context.Context, id string) (fal.RunnerLife, error) {
	ctx, cancel := l.inv.RequestContext(ctx)
	defer cancel()
	life, err := l.session.Client.Runners.Life(ctx, id)
	if errors.Is(err, fal.ErrNotFound) {
		return life, &cli.Error{Exit: cli.ExitNotFound, Code: "not_found", Err: err, Message: fmt.Sprintf("runner %s not found", id),
			Hint: []string{"`fal runners list --since 24h` shows those that are known"}}
	}
	return life, l.session.Error(err)
}

// window is the part of the log that is wanted, within the runner's life.
func (l *logs) window(life fal.RunnerLife) fal.RunnersLogsParams {
	p := fal.RunnersLogsParams{Since: l.since, Until: l.until, Search: l.search, Patience: l.patience()}
	if p.Since.IsZero() {
		p.Since = life.StartedAt
		if l.follow && l.lines.n < 0 {
			p.Since = l.now
			if end := life.EndedAt; !end.IsZero() && end.Before(l.now) {
				p.Since = end
			}
			p.Since = p.Since.Add(-followBack)
		}
	}
	if p.Since.Before(life.StartedAt) {
		p.Since = life.StartedAt
	}
	if p.Since.IsZero() {
		p.Since = l.now.Add(-longestSince) // it has not started, or nobody knows when
	}
	if last := life.EndedAt.Add(endLeeway); !life.EndedAt.IsZero() && (p.Until.IsZero() || p.Until.After(last)) {
		p.Until = last
	}
	if !p.Until.IsZero() && p.Since.After(p.Until) {
		p.Since = p.Until // nothing lies there, and no service is asked for less than that
	}
	return p
}

// history goes through the lines that are wanted, the oldest first. note, if
// not nil, is told of every line that was read.
func (l *logs) history(ctx context.Context, id string, params fal.RunnersLogsParams, note func(string, fal.LogLine)) iter.Seq2[view.LogLine, error] {
	return func(yield func(view.LogLine, error) bool) {
		if l.lines.n >= 0 && !l.lines.oldest {
			last, _, err := l.tail(ctx, id, params)
			for i := 0; i < len(last) && err == nil; i++ {
				if !yield(last[i], nil) {
					return
				}
			}
			if err != nil {
				yield(view.LogLine{}, err)
			}
			return
		}
		left := l.lines.n
		if left == 0 {
			return
		}
		if params.PageSize == 0 && left > 0 && !l.filters() {
			params.PageSize = min(max(left, 100), logPage)
		}
		for line, err := range l.session.Client.Runners.Logs(ctx, id, &params) {
			if err != nil {
				yield(view.LogLine{}, l.session.Error(err))
				return
			}
			if note != nil {
				note(id, line)
			}
			v := view.NewLogLine(id, line)
			if !l.keep(v) {
				continue
			}
			if left--; !yield(v, nil) || left == 0 {
				return
			}
		}
	}
}

// tail gets the newest lines that are wanted, and the newest of all that
// --search finds, without a gap: what a follow goes on behind.
func (l *logs) tail(ctx context.Context, id string, params fal.RunnersLogsParams) (last []view.LogLine, newest []fal.LogLine, err error) {
	n := l.lines.n
	if n == 0 && !l.follow {
		return nil, nil, nil
	}
	if !l.filters() {
		params.PageSize = min(max(n, 1), logPage)
	}
	var pages [][]view.LogLine
	count := 0
	for page, err := range l.session.Client.Runners.LogPages(ctx, id, &params) {
		if err != nil {
			return nil, nil, l.session.Error(err)
		}
		if newest == nil {
			newest = page
		}
		kept := make([]view.LogLine, 0, len(page))
		for _, line := range page {
			if v := view.NewLogLine(id, line); l.keep(v) {
				kept = append(kept, v)
			}
		}
		pages = append(pages, kept)
		if count += len(kept); count >= n {
			break
		}
	}
	slices.Reverse(pages)
	last = slices.Concat(pages...)
	return last[max(len(last)-n, 0):], newest, nil
}

// print shows a whole log.
func (l *logs) print(ctx context.Context, lines iter.Seq2[view.LogLine, error], text view.LogText) error {
	return output.Sequence(ctx, l.inv.Printer, view.Logs(), lines, text.Line)
}

// dim writes a notice.
func (l *logs) dim(format string, args ...any) {
	fmt.Fprintln(l.inv.IO.Err, l.inv.IO.PaintErr(iostreams.Dim, iostreams.SanitizeLine(fmt.Sprintf(format, args...))))
}
