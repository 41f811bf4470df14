package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// LogLines is what logs prints as JSON; with --follow it is one LogLine a line.
type LogLines struct {
	Lines []LogLine `json:"lines"`
}

type logsOptions struct {
	folder folderOptions
	follow bool
	lines  int
}

func newLogs() *cli.Command {
	o := &logsOptions{lines: 200}
	return &cli.Command{
		Name:        "logs",
		Summary:     "Show the log of the control plane itself",
		Description: "That is what the server did, also when it is not running any more. What runners print is their own log.",
		Output:      cli.Text,
		JSON:        LogLines{},
		Stream:      cli.Stream{Flag: "follow"},
		Flags: []*cli.Flag{
			{Name: "follow", Aliases: []string{"f"}, Value: cli.Bool(&o.follow), Usage: "go on with what is logged from now on, until Ctrl-C"},
			{Name: "lines", Aliases: []string{"n"}, Placeholder: "N", Value: cli.Int(&o.lines, 0, math.MaxInt), Usage: "show the last N lines first; 200 without it"},
			o.folder.flag(),
		},
		Waits: func() bool { return o.follow },
		Examples: []cli.Example{
			{Comment: "what happens now", Line: "fal local logs -f -n 0"},
			{Comment: "errors alone", Line: `fal local logs --jq '.lines[] | select(.level == "ERROR").message'`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runLogs(ctx, inv, o) },
	}
}

func runLogs(ctx context.Context, inv *cli.Invocation, o *logsOptions) error {
	dir, err := o.folder.open(inv)
	if err != nil {
		return err
	}
	f, err := os.Open(dir.file(logName))
	if errors.Is(err, fs.ErrNotExist) {
		return (&cli.Error{Exit: cli.ExitNotFound, Message: "there is no log in " + dir.String(), Err: err}).
			WithHint("fal local start" + dir.flag())
	}
	if err != nil {
		return dir.failure("cannot read", err)
	}
	tail := newTail(dir.file(logName), f)
	defer tail.close()
	if err := tail.back(o.lines); err != nil {
		return dir.failure("cannot read", err)
	}
	if !o.follow {
		lines := []LogLine{}
		add := func(text []byte) error {
			lines = append(lines, parseLogLine(text))
			return nil
		}
		if err := errors.Join(tail.read(add), tail.unfinished(add)); err != nil {
			return dir.failure("cannot read", err)
		}
		return printLines(ctx, inv, lines)
	}
	stream := output.NewStream(inv.Printer, logView(), func(l LogLine) string { return l.text(inv.Printer.Paint) })
	return tail.follow(ctx, func(text []byte) error { return stream.Write(ctx, parseLogLine(text)) })
}

func printLines(ctx context.Context, inv *cli.Invocation, lines []LogLine) error {
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, logView(), lines)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(inv.IO.Out, l.text(inv.Printer.Paint)); err != nil {
			return err
		}
	}
	return nil
}

func logView() output.View[LogLine] {
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	return output.View[LogLine]{
		Key: "lines",
		Columns: []output.Column[LogLine]{
			{Header: "TIMESTAMP", Text: func(l LogLine) string { return text(l.Timestamp) }},
			{Header: "LEVEL", Text: func(l LogLine) string { return text(l.Level) }},
			{Header: "MESSAGE", Text: func(l LogLine) string { return l.Message }},
		},
	}
}
