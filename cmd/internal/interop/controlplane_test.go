//go:build interop && unix

package interop

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// sampleRunners is how many runners `fal-local start --sample` keeps up.
const sampleRunners = 3

var (
	liveStates  = []string{"RUNNING", "IDLE"}
	endedStates = []string{"TERMINATED", "DEAD"}
)

// plane is a control plane with the sample app, and the programs that use it.
type plane struct {
	session
	local, runners, official string
	data                     string
}

// within runs a command in a shell that has evaluated `fal-local env`.
func (p plane) within(argv ...string) []string {
	const script = `exports=$("$0" env --data-dir "$1") || exit 125; eval "$exports"; shift; exec "$@"`
	return append([]string{"sh", "-c", script, p.local, p.data}, argv...)
}

func (p plane) ours(t *testing.T, args ...string) Listing {
	t.Helper()
	return p.listed(t, append([]string{p.runners, "list", "--json"}, args...)...)
}

func (p plane) theirs(t *testing.T, args ...string) Listing {
	t.Helper()
	return p.listed(t, append([]string{p.official, "runners", "list", "--json"}, args...)...)
}

func (p plane) listed(t *testing.T, argv ...string) Listing {
	t.Helper()
	listing, err := ParseListing(p.succeed(t, p.within(argv...)...).stdout)
	if err != nil {
		t.Fatalf("%q: %v", argv, err)
	}
	return listing
}

// startPlane starts a control plane with the sample app, until the test ends.
func startPlane(t *testing.T, bin, officialPath string, flags ...string) plane {
	t.Helper()
	p := plane{
		session:  newSession(t),
		local:    filepath.Join(bin, "fal-local"),
		runners:  filepath.Join(bin, "fal-runners"),
		official: officialPath,
		data:     filepath.Join(t.TempDir(), "data"),
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.run(t, p.local, "logs", "--data-dir", p.data).stdout)
		}
		p.succeed(t, p.local, "stop", "--data-dir", p.data)
	})
	p.succeed(t, append([]string{p.local, "start", "--data-dir", p.data, "--sample"}, flags...)...)
	return p
}

// settled waits until the sample's runners are all up and returns their ids.
func (p plane) settled(t *testing.T) []string {
	t.Helper()
	var live []string
	eventually(t, "the sample's runners are up", func() string {
		all := p.ours(t)
		live = all.IDs(liveStates...)
		if len(live) == sampleRunners && len(all.IDs()) == sampleRunners {
			return ""
		}
		return printed(all)
	})
	return live
}

// TestControlPlane points the official client at fal-local, as
// `eval "$(fal-local env)"` does, and holds what it reads and what it does
// against our own client.
func TestControlPlane(t *testing.T) {
	officialPath := official(t)
	bin := build(t, "fal-local", "fal-runners")

	for _, mode := range []struct {
		name  string
		flags []string
	}{
		{name: "plaintext"},
		{name: "tls", flags: []string{"--tls"}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			p := startPlane(t, bin, officialPath, mode.flags...)
			t.Run("list", p.testList)
			t.Run("list as JSON", p.testListJSON)
			t.Run("logs", p.testLogs)
			t.Run("exec", p.testExec)
			t.Run("gpus", p.testGPUs)
			t.Run("follow", p.testFollow)
			for _, verb := range [][]string{{"stop"}, {"stop", "--replace"}, {"kill"}} {
				t.Run(strings.Join(verb, " "), func(t *testing.T) { p.testEnd(t, verb...) })
			}
			t.Run("unknown runner", p.testUnknownRunner)
			t.Run("unknown key", p.testUnknownKey)
			t.Run("account named", p.testTeam)
			t.Run("behind a proxy", p.testProxy)
		})
	}
}

func (p plane) testList(t *testing.T) {
	ids := p.settled(t)
	got := p.succeed(t, p.within(p.official, "runners", "list")...).stdout
	if !strings.Contains(got, "Runners: 3\n") {
		t.Errorf("it does not count %d runners:\n%s", sampleRunners, got)
	}
	for _, id := range ids {
		if !strings.Contains(got, id) {
			t.Errorf("it does not show runner %s:\n%s", id, got)
		}
	}
}

func (p plane) testListJSON(t *testing.T) {
	p.settled(t)
	before := p.ours(t)
	theirs := p.theirs(t)
	after := p.ours(t)
	for _, disagreement := range Disagreements(before, theirs, after) {
		t.Error(disagreement)
	}
	if n := len(theirs.IDs(liveStates...)); n != sampleRunners {
		t.Errorf("it lists %d live runners, want %d", n, sampleRunners)
	}
}

// testEnd ends a runner with the official client: the runner must go through
// to its end, another one must take its place, and both clients must say so.
func (p plane) testEnd(t *testing.T, verb ...string) {
	before := p.settled(t)
	victim := before[0]

	argv := append([]string{p.official, "runners"}, verb...)
	p.succeed(t, p.within(append(argv, victim)...)...)

	eventually(t, "the runner has ended", func() string {
		state := p.ours(t, "--since", "1h").State(victim)
		if slices.Contains(endedStates, state) {
			return ""
		}
		return "it is " + state
	})
	after := p.settled(t)
	if slices.Contains(after, victim) {
		t.Errorf("runner %s is still listed as live", victim)
	}
	for _, id := range before[1:] {
		if !slices.Contains(after, id) {
			t.Errorf("runner %s was not asked to end, but did", id)
		}
	}

	// The app is quiet again, so nothing but the numbers changes between.
	ours := p.ours(t, "--since", "1h")
	theirs := p.theirs(t, "--since", "1h")
	for _, disagreement := range Disagreements(ours, theirs, p.ours(t, "--since", "1h")) {
		t.Error(disagreement)
	}
	if state := theirs.State(victim); !slices.Contains(endedStates, state) {
		t.Errorf("for the official client the ended runner is %q", state)
	}
}

func (p plane) testUnknownRunner(t *testing.T) {
	unknown := uuid.NewString()
	for _, verb := range []string{"stop", "kill"} {
		r := p.run(t, p.within(p.official, "runners", verb, unknown)...)
		if r.code != 1 || !strings.Contains(strings.ToLower(r.stdout), "not found") {
			t.Errorf("%s of an unknown runner: exit %d, %q", verb, r.code, r.stdout)
		}
	}
}

func (p plane) testUnknownKey(t *testing.T) {
	r := p.run(t, p.within("env", "FAL_KEY="+uuid.NewString()+":secret", p.official, "runners", "list")...)
	// It prints the details of the error; without any, a cross alone.
	if r.code != 1 || len(strings.Fields(r.stdout)) < 2 || strings.Contains(r.stdout, "Could not reach") {
		t.Errorf("exit %d, %q", r.code, r.stdout)
	}
}

// testTeam covers everyone who once chose an account: with a key the official
// client then asks REST whose key it is before it does anything else.
func (p plane) testTeam(t *testing.T) {
	r := p.succeed(t, p.within(p.official, "runners", "list", "--json", "--team", "somebody-else")...)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	listing, err := ParseListing(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	if len(listing.IDs()) < sampleRunners {
		t.Errorf("%d runners listed", len(listing.IDs()))
	}
}

// testProxy covers users behind a proxy, which the official client would ask
// for the way to 127.0.0.1 too.
func (p plane) testProxy(t *testing.T) {
	const nobody = "http://127.0.0.1:9"
	p.env = append(slices.Clip(p.env), "http_proxy="+nobody, "https_proxy="+nobody, "HTTP_PROXY="+nobody, "HTTPS_PROXY="+nobody)
	if len(p.theirs(t).IDs()) < sampleRunners || len(p.ours(t).IDs()) < sampleRunners {
		t.Error("runners are missing")
	}
	p.succeed(t, p.within(p.official, "runners", "list", "--team", "somebody-else")...)
}
