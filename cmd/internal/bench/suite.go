package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// The lengths of the long lists.
const (
	many        = 100_000 // runners
	manyApps    = 5_000   // apps, beside which there are someRunners
	someRunners = 20_000
)

// row is one line of the table.
type row struct {
	name         string
	ours, peer   string
	ratio, bound float64
	unit         string // of ratio and bound; empty: times
}

func (r row) ok() bool { return r.ratio <= r.bound }

func run(bin string, runs int, only string) (ok bool, err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return false, err
	}
	work, err := os.MkdirTemp("", "fal-bench")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	b := &bench{work: work, runs: runs, only: only}
	if err := b.copyPrograms(bin); err != nil {
		return false, err
	}
	if err := b.buildPeers(); err != nil {
		return false, err
	}
	if err := b.programs(); err != nil {
		return false, err
	}
	if err := b.startup(); err != nil {
		return false, err
	}
	if err := b.lists(); err != nil {
		return false, err
	}
	return b.print()
}

type bench struct {
	work string
	runs int
	only string
	rows []row

	started []programRow
}

func (b *bench) program(name string) string { return filepath.Join(b.work, name) }

// copyPrograms copies the programs: a file that the linker has just written
// starts slower than a copy of it, on some file systems by a quarter, and
// both sides shall be alike.
func (b *bench) copyPrograms(from string) error {
	names, err := programNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := copyFile(b.program(name), filepath.Join(from, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o700)
}

const helloWorld = `package main

import "fmt"

func main() { fmt.Println("hello, world") }
`

// buildPeers builds the lower bounds with the flags of our own programs.
func (b *bench) buildPeers() error {
	source := filepath.Join(b.work, "hello.go")
	if err := os.WriteFile(source, []byte(helloWorld), 0o600); err != nil {
		return err
	}
	for name, pkg := range map[string]string{"hello": source, "barecall": "./pkg/internal/transport/barecall", "barestream": "./pkg/internal/transport/barestream", "hashfolder": "./cmd/internal/bench/hashfolder"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.program(name+".linked"), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
		if err := copyFile(b.program(name), b.program(name+".linked")); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) wanted(name string) bool { return strings.Contains(name, b.only) }

// compare adds a row with the ratio of the medians.
func (b *bench) compare(name string, bound float64, ours, peer command, env []string, runs int) ([]sample, []sample, error) {
	if !b.wanted(name) {
		return nil, nil, nil
	}
	fmt.Fprintln(os.Stderr, name, "…")
	as, bs, err := pair(ours, peer, env, runs)
	if err != nil {
		return nil, nil, err
	}
	a, p := medianWall(as), medianWall(bs)
	b.rows = append(b.rows, row{name: name, ours: milliseconds(a), peer: milliseconds(p), ratio: float64(a) / float64(p), bound: bound})
	return as, bs, nil
}

func (b *bench) environment(extra ...string) []string {
	env := []string{"HOME=" + b.work, "PATH=" + b.work + string(os.PathListSeparator) + os.Getenv("PATH")}
	return append(env, extra...)
}

func (b *bench) startup() error {
	_, _, err := b.compare("fal version / hello world", 1.5,
		command{argv: []string{b.program("fal"), "version"}}, command{argv: []string{b.program("hello")}}, b.environment(), 2*b.runs)
	return err
}

func (b *bench) lists() (err error) {
	cp, err := startServer(b.work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.stop()) }()
	env := b.environment("FAL_KEY="+cp.keyID+":"+cp.secret, "FAL_GRPC_HOST="+cp.addr, "FAL_REST_HOST="+cp.addr)
	bare := func(args ...string) command {
		return command{argv: append([]string{b.program("barecall"), cp.addr, cp.keyID, cp.secret}, args...)}
	}
	ours := func(args ...string) command {
		return command{argv: append([]string{b.program("fal"), "runners", "list"}, args...)}
	}
	if _, _, err := b.compare("fal runners list --json / bare gRPC call", 1.7, ours("--json"), bare("runners"), env, b.runs); err != nil {
		return err
	}
	if err := b.dispatcher(env); err != nil {
		return err
	}
	if err := b.tabs(cp); err != nil {
		return err
	}
	if err := b.deploys(env); err != nil {
		return err
	}
	if err := b.gateway(cp, env); err != nil {
		return err
	}
	if err := b.transfers(env); err != nil {
		return err
	}
	if err := b.hashing(cp, env); err != nil {
		return err
	}
	long := max(5, b.runs/4)
	if err := b.apps(cp, env, bare("aliases"), long); err != nil {
		return err
	}
	if err := cp.fill("runners", many-someRunners); err != nil {
		return err
	}
	as, bs, err := b.compare("100,000 runners as JSON / bare gRPC call", 1.7, ours("--json", "--since", "24h"), bare("runners", "86400"), env, long)
	if err != nil {
		return err
	}
	if a, p := medianPeakOf(as), medianPeakOf(bs); a > 0 && p > 0 {
		b.rows = append(b.rows, row{name: "  their peak memory", ours: mebibytes(a), peer: mebibytes(p), ratio: float64(a) / float64(p), bound: 1.5})
	}
	const expr = ".runners[] | select(.machine_type == \"XS\") | .runner_id"
	jq, err := exec.LookPath("jq")
	if err != nil {
		fmt.Fprintln(os.Stderr, "jq is not installed: --jq is not compared")
		return nil
	}
	piped := ours("--json", "--since", "24h")
	piped.pipe = []string{jq, "-r", expr}
	version, _ := exec.Command(jq, "--version").Output() // for the name of the row only
	_, _, err = b.compare("100,000 runners, --jq / piped into "+strings.TrimSpace(string(version)), 1, ours("--since", "24h", "--jq", expr), piped, env, long)
	return err
}

// apps lists many apps, and times the control plane's own part in a list of
// runners.
func (b *bench) apps(cp *server, env []string, bare command, runs int) error {
	if err := errors.Join(cp.fill("apps", manyApps), cp.fill("runners", someRunners)); err != nil {
		return err
	}
	_, _, err := b.compare("fal apps list of 5,000 apps / bare gRPC call", 1.7,
		command{argv: []string{b.program("fal"), "apps", "list", "--json"}}, bare, env, runs)
	if err != nil {
		return err
	}
	const name = "20,000 runners answered / their encoding"
	if !b.wanted(name) {
		return nil
	}
	fmt.Fprintln(os.Stderr, name, "…")
	out, err := exec.Command(b.program("barecall"), cp.addr, cp.keyID, cp.secret, "served", "86400").Output()
	if err != nil {
		return err
	}
	var call, encoding time.Duration
	var n int
	if _, err := fmt.Sscan(string(out), &call, &encoding, &n); err != nil || n < someRunners {
		return fmt.Errorf("barecall served %q: %w", out, err)
	}
	b.rows = append(b.rows, row{name: name, ours: milliseconds(call), peer: milliseconds(encoding), ratio: float64(call) / float64(encoding), bound: 3})
	return nil
}

// dispatcher compares the same command through fal and by its own name; the
// bound is on the difference.
func (b *bench) dispatcher(env []string) error {
	const name = "fal runners list - fal-runners list"
	if !b.wanted(name) {
		return nil
	}
	fmt.Fprintln(os.Stderr, name, "…")
	as, bs, err := pair(command{argv: []string{b.program("fal"), "runners", "list", "--json"}},
		command{argv: []string{b.program("fal-runners"), "list", "--json"}}, env, 2*b.runs)
	if err != nil {
		return err
	}
	a, p := medianWall(as), medianWall(bs)
	b.rows = append(b.rows, row{name: name, ours: milliseconds(a), peer: milliseconds(p), ratio: float64(a-p) / float64(time.Millisecond), bound: 3, unit: " ms"})
	return nil
}

func medianPeakOf(samples []sample) int64 {
	if len(samples) == 0 {
		return 0
	}
	return medianPeak(samples)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

func (b *bench) print() (bool, error) {
	ok, err := b.printPrograms(os.Stdout)
	if err != nil {
		return false, err
	}
	if len(b.rows) == 0 {
		return ok, nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BENCHMARK\tMEDIAN\tPEER\tRATIO\tBOUND\t")
	for _, r := range b.rows {
		unit := r.unit
		if unit == "" {
			unit = "x"
		}
		mark := ""
		if !r.ok() {
			ok, mark = false, "TOO SLOW"
			if strings.Contains(r.name, "memory") {
				mark = "TOO MUCH"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f%s\t%.2f%s\t%s\n", r.name, r.ours, r.peer, r.ratio, unit, r.bound, unit, mark)
	}
	return ok, w.Flush()
}
