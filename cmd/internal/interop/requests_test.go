//go:build interop && unix

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// recording is one command of testdata/commands.json: what the official client
// was seen to send for it.
type recording struct {
	Argv     []string `json:"argv"`
	Exit     int      `json:"exit"`
	Requests []Call   `json:"requests"`
}

// unrecorded are commands whose requests are compared live only.
var unrecorded = [...]string{
	"fal runners stop a0000000-0000-0000-0000-000000000001",
	"fal runners stop --replace a0000000-0000-0000-0000-000000000001",
	"fal runners stop a0000000-0000-0000-0000-000000000001 -r",
	"fal runners list --state running",
	"fal runners list --state idle running --json",
	"fal runners list --state all --since 1h",
	"fal runners list --output json",
	"fal runners list --output pretty",
	"fal apps list --json --env main",
	"fal apps list --filter my --regions us-east us-west --sort-by-runners",
	"fal apps list-rev --env staging",
	"fal apps set-rev my-app 66666666-6666-4666-8666-666666666666 --auth shared --strategy rolling --env staging",
	"fal apps scale my-app --min-concurrency 1",
	"fal apps scale my-app --regions us-east us-west --machine-types XS --env main",
	"fal apps rollout my-app",
	"fal apps rollout my-app --env staging",
	"fal apps runners my-app --json --state idle running --since 1h",
	"fal apps gpus my-app --json",
	"fal apps delete my-app",
	"fal keys create --scope API",
	"fal keys create --scope ADMIN --desc ci",
	"fal keys list --json",
	"fal keys revoke b0000000-0000-4000-8000-000000000001",
	"fal secrets list --json --env staging",
	"fal secrets unset A --env staging",
	"fal environments list --json",
	"fal environments create qa --description words",
}

// departure is where ours deliberately sends something else.
type departure struct {
	command string // what the command line begins with
	reads   []string
	drops   string // a field that ours leaves out
}

var departures = [...]departure{
	// It shows what was set before, and what the next deploy will reset.
	{command: "fal apps scale", reads: []string{"ListAliases"}},
	// It says what the app pointed to before, or that there was none.
	{command: "fal apps set-rev", reads: []string{"ListAliases"}},
	// It shows which apps point to a revision.
	{command: "fal apps list-rev", reads: []string{"ListAliases"}},
	// Setting a secret again must not expose it again.
	{command: "fal secrets set A=1 B=", drops: "default_exposed"},
}

// expected is what ours is to send where the official client sends calls.
func expected(command string, calls []Call) []Call {
	var want []Call
	for _, d := range departures {
		if !strings.HasPrefix(command, d.command) {
			continue
		}
		for _, call := range calls {
			delete(call.Request, d.drops)
			for _, method := range d.reads {
				read := Call{Transport: "grpc", Method: method, Metadata: call.Metadata, Request: map[string]any{}}
				if environment, ok := call.Request["environment_name"]; ok {
					read.Request["environment_name"] = environment
				}
				want = append(want, read)
			}
		}
	}
	return append(want, calls...)
}

// TestRequests replays commands with both clients against a recording server.
// The official client must still send what it was recorded to send, and ours
// must send the same.
func TestRequests(t *testing.T) {
	var recordings []recording
	readTestdata(t, "commands.json", &recordings)
	if len(recordings) == 0 {
		t.Fatal("nothing is recorded")
	}
	for _, command := range unrecorded {
		recordings = append(recordings, recording{Argv: strings.Fields(command)})
	}
	var answers map[string]json.RawMessage
	readTestdata(t, "answers.json", &answers)

	officialPath := official(t)
	bin := build(t, "fal-runners", "fal-apps", "fal-keys", "fal-secrets", "fal-environments")

	for _, recorded := range recordings {
		t.Run(strings.Join(recorded.Argv[1:], " "), func(t *testing.T) {
			ours := filepath.Join(bin, "fal-"+recorded.Argv[1])
			theirCalls := record(t, answers, recorded.Exit, append([]string{officialPath}, recorded.Argv[1:]...))
			ourCalls := record(t, answers, recorded.Exit, append([]string{ours}, recorded.Argv[2:]...))
			if recorded.Requests != nil {
				want := forgetSince(recorded.Requests)
				if !reflect.DeepEqual(theirCalls, want) {
					t.Errorf("the official client has changed: it sent\n%s\nand was recorded to send\n%s", pretty(t, theirCalls), pretty(t, want))
				}
			}
			if want := expected(strings.Join(recorded.Argv, " "), theirCalls); !reflect.DeepEqual(ourCalls, want) {
				t.Errorf("ours sent\n%s\nwant, as the official client does,\n%s", pretty(t, ourCalls), pretty(t, want))
			}
		})
	}
}

func readTestdata(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// record runs a command against a recording server of its own. A start_time is
// held against the --since of the command, then replaced by a mark.
func record(t *testing.T, answers map[string]json.RawMessage, wantExit int, argv []string) []Call {
	t.Helper()
	recorder, err := StartRecorder(answers)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := recorder.Close(); err != nil {
			t.Error(err)
		}
	}()

	began := time.Now()
	r := newSession(t,
		"FAL_KEY=testid:testsecret",
		"FAL_HOST="+recorder.Addr(),
		"ISOLATE_TEST_MODE=1",
	).run(t, argv...)
	ended := time.Now()
	if r.code != wantExit {
		t.Errorf("%q exited %d, want %d\nstdout: %s\nstderr: %s", argv, r.code, wantExit, r.stdout, r.stderr)
	}
	calls, err := recorder.Take()
	if err != nil {
		t.Errorf("%q: %v", argv, err)
	}
	for _, call := range calls {
		if sent, ok := call.Request["start_time"]; ok {
			checkSince(t, argv, sent, began, ended)
		}
	}
	return forgetSince(calls)
}

func checkSince(t *testing.T, argv []string, sent any, began, ended time.Time) {
	t.Helper()
	text, _ := sent.(string)
	got, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Errorf("%q sent start_time %v: %v", argv, sent, err)
		return
	}
	// Clients may cut the time to whole seconds.
	earliest, latest := began.Add(-time.Hour-time.Second), ended.Add(-time.Hour+time.Second)
	if got.Before(earliest) || got.After(latest) {
		t.Errorf("%q sent start_time %v, want an hour ago: %v to %v", argv, got, earliest.UTC(), latest.UTC())
	}
}

func forgetSince(calls []Call) []Call {
	for _, call := range calls {
		if _, ok := call.Request["start_time"]; ok {
			call.Request["start_time"] = "as --since says"
		}
	}
	return calls
}

func pretty(t *testing.T, calls []Call) string {
	t.Helper()
	text, err := json.MarshalIndent(calls, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
