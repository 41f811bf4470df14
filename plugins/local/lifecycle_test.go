package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"github.com/fal-plugins/fal/pkg/fal"
)

func TestStartStatusStop(t *testing.T) {
	t.Parallel()
	b := newBench(t)

	var off Status
	b.run("status").exits(1).decode(&off)
	if off.Running || off.Address != nil || off.PID != nil || off.DataDir != b.data() {
		t.Fatalf("not running: %+v", off)
	}
	b.run("stop").ok().prints("not running\n")
	if _, err := os.Stat(b.data()); !os.IsNotExist(err) {
		t.Fatalf("looking left something behind: %v", err)
	}

	r := b.run("start").ok().says("hint: `eval \"$(fal-local env)\"` uses it in this shell\n").says("hint: `fal-local use` saves it as a profile\n")
	s := b.status()
	r.prints("listening on " + *s.Address + "\n")
	if !s.Running || s.TLS || s.Sample || len(s.Runners) != 0 || *s.Version == "" || *s.StartedAt == "" {
		t.Fatalf("running: %+v", s)
	}
	if !strings.HasPrefix(*s.Address, "127.0.0.1:") {
		t.Fatalf("address %s", *s.Address)
	}
	if pids := b.processes(); len(pids) != 1 || pids[0] != *s.PID {
		t.Fatalf("processes %v, pid %d", pids, *s.PID)
	}
	for _, name := range []string{markerName, recordName, logName, "credentials"} {
		info, err := os.Stat(filepath.Join(b.data(), name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}

	b.stop()
	b.gone()
	b.run("status", "-o", "pretty").exits(1).prints("status  not running\ndata    " + b.data() + "\n")
	b.run("stop", "--json").ok().prints(fmt.Sprintf("{\"stopped\":false,\"data_dir\":%q}\n", b.data()))
}

func TestStatusForPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.start("--sample")
	got := b.run("status", "-o", "pretty").ok().stdout
	want := fmt.Sprintf("status   running\naddress  %s (plaintext)\nprocess  %d\nsince    %s\nversion  %s\nrunners  3: 3 idle\nsample   yes\nlogin    no\ndata     %s\n",
		*s.Address, *s.PID, *s.StartedAt, *s.Version, b.data())
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.stop()
	b.gone()
}

// sampleRunners is how many the sample app has until somebody changes it.
const sampleRunners = 3

// A sample app that somebody scaled down is waited for as it is now.
func TestSampleScaledDown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.start("--sample")
	key, err := controlplane.ReadCredentials(b.data())
	if err != nil {
		t.Fatal(err)
	}
	for _, least := range []int{1, 0} {
		client, err := fal.New(fal.Options{Host: *s.Address, Plaintext: true, Credentials: fal.Key{ID: key.KeyID, Secret: key.Secret}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Apps.Scale(t.Context(), sampleApp, &fal.AppsScaleParams{MinConcurrency: &least})
		if err := errors.Join(err, client.Close()); err != nil {
			t.Fatal(err)
		}
		b.stop()
		if s = b.start("--sample"); !s.Sample || s.Runners["IDLE"] != least {
			t.Errorf("with %d: %+v", least, s)
		}
		b.run("start", "--sample").ok()
	}
	b.stop()
	b.gone()
}

func TestStartAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.start()
	_, port, _ := net.SplitHostPort(*first.Address)

	b.run("start").ok().prints("listening on " + *first.Address + "\n").says(fmt.Sprintf("already running (process %d)", *first.PID))
	b.run("start", "--port", port).ok()
	var s Status
	b.run("start", "--json").ok().decode(&s)
	if *s.PID != *first.PID {
		t.Errorf("another server: %+v", s)
	}
	number, _ := strconv.Atoi(port)
	b.run("start", "--port", strconv.Itoa(number%60000+1024)).exits(1).prints("").
		says("the control plane is running on " + *first.Address).says("hint: fal-local stop")
	b.run("start", "--tls").exits(1).says("running without TLS")
	b.run("start", "--foreground").exits(1).prints("").says("already running on " + *first.Address)

	// The sample is added to a server that has none.
	b.run("start", "--sample").ok()
	s = b.status()
	if *s.PID != *first.PID || !s.Sample || s.Runners["IDLE"] != sampleRunners {
		t.Errorf("after --sample: %+v", s)
	}
	if n := len(b.processes()); n != 1+2*sampleRunners {
		t.Errorf("%d processes", n)
	}
	b.run("start", "--sample").ok()
	b.stop()
	b.gone()
}

func TestSeveralStartsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const n = 4
	results := make([]result, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { results[i] = b.run("start") })
	}
	all.Wait()
	want := "listening on " + *b.status().Address + "\n"
	fresh := 0
	for _, r := range results {
		r.ok().prints(want)
		if !strings.Contains(r.stderr, "already running") {
			fresh++
		}
	}
	if fresh != 1 || len(b.processes()) != 1 {
		t.Errorf("%d of %d started a server; processes %v", fresh, n, b.processes())
	}
	// And several stops.
	for i := range n {
		all.Go(func() { results[i] = b.run("stop") })
	}
	all.Wait()
	for _, r := range results {
		r.ok()
	}
	b.gone()
}

func TestPortIsRememberedAndDataKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.start("--port", quietPort(t))
	key := b.key()
	b.stop()
	second := b.start()
	if *second.Address != *first.Address {
		t.Errorf("address %s after %s", *second.Address, *first.Address)
	}
	if b.key() != key {
		t.Error("another key after a restart")
	}
	b.stop()

	// Taken by somebody else: another one, and that is said.
	listener, err := net.Listen("tcp", *first.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(*first.Address)
	b.run("start").ok().says("note: port " + port + " is taken by another program")
	third := b.status()
	if *third.Address == *first.Address {
		t.Errorf("address %s is not its own", *third.Address)
	}
	b.stop()

	// Asked for by name: an error, and nothing is left.
	b.run("start", "--port", port).exits(1).prints("").says("error: port " + port + " is taken by another program").says("hint:")
	b.gone()
	var failed struct {
		Error struct {
			Code, Message string
			Hints         []string
		}
	}
	r := b.run("start", "--json", "--port", port).exits(1)
	if err := json.Unmarshal([]byte(r.stderr), &failed); err != nil || failed.Error.Code != "port_taken" || len(failed.Error.Hints) == 0 {
		t.Errorf("%v in %s", err, r.stderr)
	}
}

// quietPort is free, and nothing but a test takes it by itself.
func quietPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(10000 + rand.IntN(20000))
		if listener, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (b *bench) key() string {
	b.t.Helper()
	key, err := controlplane.ReadCredentials(b.data())
	if err != nil {
		b.t.Fatal(err)
	}
	return key.Key()
}

func TestTwoDataDirs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := filepath.Join(b.home, "a folder's")
	one := b.start()
	b.run("start", "--data-dir", other).ok().says(`env --data-dir '`)
	two := b.status("--data-dir", other)
	if *one.Address == *two.Address || *one.PID == *two.PID || two.DataDir != other {
		t.Errorf("%+v and %+v", one, two)
	}
	b.stop()
	b.status("--data-dir", other)
	// A relative path means the same folder.
	b.run("stop", "--data-dir", filepath.Base(other)).ok().prints("stopped\n")
	b.gone()
}

func TestHomeVariable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	env := []string{"FAL_HOME_DIR=" + filepath.Join(b.home, "elsewhere")}
	b.runEnv(env, "start").ok()
	var s Status
	b.runEnv(env, "status").ok().decode(&s)
	if s.DataDir != filepath.Join(b.home, "elsewhere", "local") {
		t.Errorf("data in %s", s.DataDir)
	}
	b.run("status").exits(1)
	b.runEnv(env, "stop").ok()
	b.gone()
}

func TestBadDataDirs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	foreign := filepath.Join(b.home, "foreign")
	file := filepath.Join(b.home, "file")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(foreign, "thesis.txt")} {
		if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{foreign, file, filepath.Join(file, "below")} {
		r := b.run("start", "--data-dir", dir).exits(1).prints("").says("hint: name another folder with --data-dir")
		if strings.Count(r.stderr, "\n") != 2 {
			t.Errorf("more than an error and a hint:\n%s", r.stderr)
		}
		b.run("start", "--foreground", "--data-dir", dir).exits(1).prints("")
		b.run("reset", "--yes", "--data-dir", dir).exits(1)
	}
	b.run("start", "--data-dir", foreign).says("is not empty and is not a data folder")
	entries, err := os.ReadDir(foreign)
	if err != nil || len(entries) != 1 {
		t.Errorf("the foreign folder has %v, %v", entries, err)
	}
}

func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.stop()
	if err := os.WriteFile(filepath.Join(b.data(), "state.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run("start").exits(1).prints("").says("state.db")
	b.gone()
	b.run("logs").ok()
	b.run("status").exits(1)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, args := range [][]string{
		{"start", "--port", "0"}, {"start", "--port", "65536"}, {"start", "--port", "http"}, {"start", "now"},
		{"start", "--data-dir", ""}, {"stop", "--force"}, {"env", "--shell", "tcsh"}, {"logs", "-n", "-1"},
		{"logs", "-n", "many"}, {"use", "--name", ""}, {"status", "-o", "xml"}, {"begin"},
	} {
		b.run(args...).exits(2).prints("").says("error: ")
	}
	b.run("status", "--jq", ".[").exits(2).prints("").says("bad jq expression")
	if r := b.run("--help").ok(); strings.Contains(r.stdout, "__") || !strings.Contains(r.stdout, "reset") {
		t.Errorf("help:\n%s", r.stdout)
	}
	for _, verb := range []string{"start", "stop", "status", "logs", "reset", "env", "use"} {
		if r := b.run(verb, "--help").ok(); !strings.Contains(r.stdout, "--data-dir") {
			t.Errorf("help of %s:\n%s", verb, r.stdout)
		}
	}
	b.gone()
}

func TestReset(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("reset").ok().prints("nothing to delete in " + b.data() + "\n")
	b.start("--sample")
	key := b.key()

	b.run("reset").exits(2).prints("").says("no terminal to ask on").says("hint: fal-local reset --yes")
	b.status()
	b.run("reset", "--yes").ok().prints("deleted " + b.data() + "\n")
	b.gone()
	if _, err := os.Stat(b.data()); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
	var again Reset
	b.run("reset", "--json").ok().decode(&again)
	if again.Deleted || again.DataDir != b.data() {
		t.Errorf("%+v", again)
	}
	if s := b.start(); s.Sample || b.key() == key {
		t.Errorf("something was kept: %+v", s)
	}
	b.run("reset", "-y").ok()
	b.gone()
}
