// Package doctor is the fal-doctor program: it checks the set-up of this
// machine, one thing after the other, and says how to mend what is wrong.
//
//	func main() { os.Exit(doctor.Main()) }
//
// Checks run at the same time where none needs what another one finds, and are
// printed in their order. A check behind one that failed is skipped. Those that
// use the network take five seconds each at most. Nothing is changed, except
// that a login is refreshed when it must be. Nothing that is found is run, and
// no secret is shown, or sent to another than the configured hosts. Nobody is
// asked about newer releases, unless --check-updates is given.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Main runs fal-doctor and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-doctor.
func App() *cli.App {
	self, _ := os.Executable() // without it, only PATH is searched
	return app(dependencies{
		resolver: net.DefaultResolver,
		dial:     (&net.Dialer{}).DialContext,
		connect:  session.Open,
		now:      time.Now,
		self:     self,
		limit:    5 * time.Second,
		read:     os.ReadFile,
		writable: writable,
		values:   complete.Background(),
	})
}

// dependencies are what the checks need from outside.
type dependencies struct {
	resolver resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	connect  func(context.Context, *cli.Invocation) (*session.Session, error)
	now      func() time.Time
	self     string        // this program, an absolute path
	limit    time.Duration // of each check that uses the network
	read     func(path string) ([]byte, error)
	writable func(folder string) bool
	values   complete.Values
}

type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

func app(d dependencies) *cli.App {
	// The program has one command, which `fal doctor` runs without a verb.
	return d.values.In(&cli.App{
		Name:      "fal-doctor",
		Noun:      "doctor",
		Summary:   "Check the set-up of this machine",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newCheck(d)},
	})
}

func newCheck(d dependencies) *cli.Command {
	var updates bool
	return &cli.Command{
		Name:    "check",
		Default: true,
		Summary: "Check the set-up of this machine",
		Description: "Checks, one after the other: versions, configuration and credentials, the way to the service and its answers, the installed plugins, completion in the shell, the local control plane, and proxies. " +
			"Each check is ok, a warning, failed, or skipped because one that it needs has failed or because there is nothing to check. The exit code is 1 when a check failed.\n\n" +
			"With --check-updates, a Go module proxy is asked for the newest release: the first that GOPROXY names, or else proxy.golang.org. Programs that are older are a warning, and a proxy that does not answer is a failure. Without the flag nobody is asked.",
		Output: cli.Records,
		JSON:   view.Diagnosis{},
		Record: view.Check{},
		Flags:  []*cli.Flag{{Name: "check-updates", Value: cli.Bool(&updates), Usage: "ask a Go module proxy whether there is a newer release"}},
		Examples: []cli.Example{
			{Comment: "what is wrong", Line: `fal doctor -q '.checks[] | select(.status == "failed")'`},
			{Comment: "for a bug report", Line: "fal doctor -o pretty"},
			{Comment: "whether there is something newer", Line: "fal doctor --check-updates -q '.checks[] | select(.check == \"updates\").found'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return run(ctx, inv, d, updates) },
	}
}

func run(ctx context.Context, inv *cli.Invocation, d dependencies, updates bool) error {
	p := newPatient(d, inv)
	p.updates = updates
	checks := p.checks()
	asText := inv.Format == output.Pretty || inv.Format == output.Wide
	text := view.CheckText{Words: !iostreams.SpeaksUTF8(inv.Getenv), Paint: inv.Printer.Paint}
	for _, c := range checks {
		text.Width = max(text.Width, len(c.name))
	}
	var rows []view.Check
	for row := range examine(ctx, checks) {
		row = p.concealRow(row)
		rows = append(rows, row)
		if !asText {
			continue
		}
		if err := errors.Join(text.Write(inv.IO.Out, row), inv.IO.Flush()); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	found := p.diagnosis(rows)
	if asText {
		if summary := found.Summary(); summary != "" && inv.IO.OutTerminal() {
			fmt.Fprintln(inv.IO.Err, summary)
		}
	} else if err := found.Print(context.WithoutCancel(ctx), inv.Printer); err != nil { // what --timeout ended is worth knowing too
		return err
	}
	if !found.OK {
		return cli.Silent(cli.ExitFailure)
	}
	return nil
}
