package output_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
)

const benchRows = 100_000

func benchRunners() []fastRunner {
	rows := make([]fastRunner, benchRows)
	for i := range rows {
		rows[i] = fastRunner{runner{
			ID:       fmt.Sprintf("4f2a91c0-0000-4000-8000-%012d", i),
			App:      fmt.Sprintf("app-%d", i%50),
			State:    []string{"RUNNING", "IDLE", "PENDING"}[i%3],
			InFlight: int64(i % 7), Uptime: int64(i), Machine: "GPU-H100",
			Revision: fmt.Sprintf("66666666-0000-4000-8000-%012d", i%50),
		}}
	}
	return rows
}

func plainRunners(rows []fastRunner) []runner {
	plain := make([]runner, len(rows))
	for i := range rows {
		plain[i] = rows[i].runner
	}
	return plain
}

func fastView() output.View[fastRunner] {
	return output.View[fastRunner]{Key: "runners"}
}

func discard() *iostreams.Streams {
	s, _, _, _ := iostreams.Test()
	s.Out = io.Discard
	return s
}

func BenchmarkListJSON(b *testing.B) {
	rows := benchRunners()
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := output.New(discard(), output.Options{Format: output.JSON})
			if err := output.List(b.Context(), p, fastView(), rows); err != nil {
				b.Fatal(err)
			}
		}
	})
	plain := plainRunners(rows)
	view := runnersView()
	view.Compare = nil
	for _, format := range output.Formats() {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := output.New(discard(), output.Options{Format: format})
				if err := output.List(b.Context(), p, view, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFilter compares --jq with what it saves: the same JSON piped into jq.
func BenchmarkFilter(b *testing.B) {
	const expr = `.runners[] | select(.state == "IDLE").runner_id`
	rows := benchRunners()
	b.Run("in process", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			filter, err := jq.Compile(expr)
			if err != nil {
				b.Fatal(err)
			}
			p := output.New(discard(), output.Options{Filter: filter})
			if err := output.List(b.Context(), p, fastView(), rows); err != nil {
				b.Fatal(err)
			}
		}
	})
	command, err := exec.LookPath("jq")
	if err != nil {
		b.Log("no jq on this machine to compare with")
		return
	}
	b.Run("piped into jq", func(b *testing.B) {
		for b.Loop() {
			s, _, out, _ := iostreams.Test()
			if err := output.List(b.Context(), output.New(s, output.Options{}), fastView(), rows); err != nil {
				b.Fatal(err)
			}
			cmd := exec.Command(command, "-r", expr)
			cmd.Stdin = out
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	rows := plainRunners(benchRunners())
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := json.NewEncoder(&out).Encode(map[string][]runner{"runners": rows}); err != nil {
			b.Fatal(err)
		}
	}
}
