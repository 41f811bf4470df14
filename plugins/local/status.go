package local

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Status is the JSON contract of status and start. What only a running control
// plane has is null without one.
type Status struct {
	Running   bool           `json:"running"`
	Address   *string        `json:"address"` // of gRPC and REST
	TLS       bool           `json:"tls"`
	PID       *int           `json:"pid"`
	DataDir   string         `json:"data_dir"`
	Version   *string        `json:"version"`
	StartedAt *string        `json:"started_at"` // RFC 3339 in UTC
	Runners   map[string]int `json:"runners"`    // by state
	Sample    bool           `json:"sample"`
	Login     bool           `json:"login"` // people can log in
}

func newStatus(dir dataDir, found *instance) Status {
	s := Status{DataDir: string(dir), Runners: map[string]int{}}
	if found == nil {
		return s
	}
	started := found.StartedAt.UTC().Format(time.RFC3339)
	s.Running, s.TLS, s.Sample, s.Login = true, found.TLS, found.health.Sample, found.health.Login
	s.Address, s.PID, s.Version, s.StartedAt = &found.Address, &found.PID, &found.Version, &started
	if found.health.Runners != nil {
		s.Runners = found.health.Runners
	}
	return s
}

func newStatusCommand() *cli.Command {
	o := &folderOptions{}
	return &cli.Command{
		Name:        "status",
		Summary:     "Show whether the control plane is running, and where",
		Description: "The exit code is 0 when it is running and 1 when it is not.",
		Output:      cli.Records,
		Single:      true,
		JSON:        Status{},
		Flags:       []*cli.Flag{o.flag()},
		Examples: []cli.Example{
			{Comment: "start it unless it is running", Line: "fal local status >/dev/null || fal local start"},
			{Comment: "its address", Line: "fal local status -q .address"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			dir, err := o.open(inv)
			if err != nil {
				return err
			}
			found, err := dir.find(ctx)
			if err != nil {
				return err
			}
			s := newStatus(dir, found)
			if found != nil && found.health.Problem != "" {
				fmt.Fprintf(inv.IO.Err, "note: the runners are not known: %s\n", iostreams.SanitizeLine(found.health.Problem))
			}
			err = output.Object(ctx, inv.Printer, s, func(w io.Writer) error {
				return inv.Printer.Fields(w, s.fields()...)
			})
			if err == nil && !s.Running {
				err = cli.Silent(cli.ExitFailure)
			}
			return err
		},
	}
}

func (s Status) fields() []output.Field {
	if !s.Running {
		return []output.Field{
			{Name: "status", Value: "not running", Style: iostreams.Dim},
			{Name: "data", Value: s.DataDir},
		}
	}
	speaks := "plaintext"
	if s.TLS {
		speaks = "TLS"
	}
	word := func(yes bool) string {
		if yes {
			return "yes"
		}
		return "no"
	}
	return []output.Field{
		{Name: "status", Value: "running", Style: iostreams.Green},
		{Name: "address", Value: *s.Address + " (" + speaks + ")"},
		{Name: "process", Value: strconv.Itoa(*s.PID)},
		{Name: "since", Value: *s.StartedAt},
		{Name: "version", Value: *s.Version},
		{Name: "runners", Value: s.census()},
		{Name: "sample", Value: word(s.Sample)},
		{Name: "login", Value: word(s.Login)},
		{Name: "data", Value: s.DataDir},
	}
}

// census is "3: 2 idle, 1 running".
func (s Status) census() string {
	total, parts := 0, []string{}
	for _, state := range slices.Sorted(maps.Keys(s.Runners)) {
		total += s.Runners[state]
		parts = append(parts, strconv.Itoa(s.Runners[state])+" "+strings.ToLower(state))
	}
	if total == 0 {
		return "none"
	}
	return strconv.Itoa(total) + ": " + strings.Join(parts, ", ")
}

func portOf(r record) int {
	_, text, err := net.SplitHostPort(r.Address)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
