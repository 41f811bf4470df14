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

// recording is one command of testdata/runners.json: what the official client
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
}

// TestRequests replays commands with both clients against a recording server.
// The official client must still send what it was recorded to send, and ours
// must send the same.
func TestRequests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "runners.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recordings []recording
	if err := json.Unmarshal(text, &recordings); err != nil {
		t.Fatal(err)
	}
	if len(recordings) == 0 {
		t.Fatal("nothing is recorded")
	}
	for _, command := range unrecorded {
		recordings = append(recordings, recording{Argv: strings.Fields(command)})
	}

	officialPath := official(t)
	ours := filepath.Join(build(t, "fal-runners"), "fal-runners")

	for _, recorded := range recordings {
		t.Run(strings.Join(recorded.Argv[2:], " "), func(t *testing.T) {
			theirCalls := record(t, recorded.Exit, append([]string{officialPath}, recorded.Argv[1:]...))
			ourCalls := record(t, recorded.Exit, append([]string{ours}, recorded.Argv[2:]...))
			if recorded.Requests != nil {
				want := forgetSince(recorded.Requests)
				if !reflect.DeepEqual(theirCalls, want) {
					t.Errorf("the official client has changed: it sent\n%s\nand was recorded to send\n%s", pretty(t, theirCalls), pretty(t, want))
				}
			}
			if !reflect.DeepEqual(ourCalls, theirCalls) {
				t.Errorf("ours sent\n%s\nthe official client\n%s", pretty(t, ourCalls), pretty(t, theirCalls))
			}
		})
	}
}

// record runs a command against a recording server of its own. A start_time is
// held against the --since of the command, then replaced by a mark.
func record(t *testing.T, wantExit int, argv []string) []Call {
	t.Helper()
	recorder, err := StartRecorder()
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
