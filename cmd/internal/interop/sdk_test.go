//go:build interop && unix

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
)

// sdkKeys are the official SDK's names of what has another in JSON. An empty
// one is not in it, or is there in another form.
var sdkKeys = map[string]string{
	"keys alias":                "description",
	"secrets environment_name":  "environment",
	"runners uptime":            "",
	"runners external_metadata": "",
}

// sdkShown is a call that testdata/sdk.py made.
type sdkShown struct {
	Ours   string          `json:"ours"` // the command line of ours that shows the same
	Key    string          `json:"key"`  // of the list in its JSON
	Result json.RawMessage `json:"result"`
}

// TestSDK calls each method of the official SDK against a control plane and
// compares what it returns with what our client prints at that moment.
func TestSDK(t *testing.T) {
	officialPath := official(t)
	n := newNouns(t, build(t, "fal-local", "fal-apps", "fal-runners", "fal-keys", "fal-secrets", "fal-environments"), officialPath, true)
	script, err := filepath.Abs(filepath.Join("testdata", "sdk.py"))
	if err != nil {
		t.Fatal(err)
	}
	argv := n.within(filepath.Join(filepath.Dir(officialPath), "python"), script)
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = n.home, n.env, t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	count := 0
	for lines.Scan() {
		var shown sdkShown
		n.decode(t, &shown, lines.Text())
		count++
		t.Run(fmt.Sprintf("%d %s", count, shown.Ours), func(t *testing.T) { n.compare(t, shown) })
		if _, err := io.WriteString(in, "\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || lines.Err() != nil {
		t.Fatalf("%v, %v", err, lines.Err())
	}
	if count == 0 {
		t.Error("nothing was called")
	}
}

func (n *nouns) compare(t *testing.T, shown sdkShown) {
	t.Helper()
	words := n.words(shown.Ours)
	var ours map[string]any
	n.decode(t, &ours, n.succeed(t, n.within(append([]string{n.our(words[0])}, append(words[1:], "--json")...)...)...).stdout)
	var theirs any
	n.decode(t, &theirs, string(shown.Result))
	if shown.Key == "" {
		if printed(theirs) != printed(any(ours)) {
			t.Errorf("the SDK returns %s, ours prints %s", printed(theirs), printed(ours))
		}
		return
	}
	a, b := byIdentity(t, theirs), byIdentity(t, ours[shown.Key])
	if len(a) != len(b) {
		t.Fatalf("the SDK returns %d, ours prints %d", len(a), len(b))
	}
	for id, record := range a {
		for key, value := range record {
			name, renamed := sdkKeys[shown.Key+" "+key]
			if !renamed {
				name = key
			}
			if name != "" && printed(value) != field(b[id], name) && !moves[name] {
				t.Errorf("%s of %s: the SDK has %s, ours %s", key, id, printed(value), field(b[id], name))
			}
		}
	}
}

// moves are numbers that are others a moment later.
var moves = map[string]bool{"expiration_countdown": true, "in_flight_requests": true}

func byIdentity(t *testing.T, list any) map[string]map[string]any {
	t.Helper()
	records, ok := list.([]any)
	if !ok {
		t.Fatalf("no list: %s", printed(list))
	}
	found := make(map[string]map[string]any)
	for _, r := range records {
		record, _ := r.(map[string]any)
		id := ""
		for _, key := range []string{"runner_id", "key_id", "alias", "name"} {
			if id == "" {
				id, _ = record[key].(string)
			}
		}
		if id == "" || found[id] != nil {
			t.Fatalf("no identity, or two of one, in %s", printed(list))
		}
		found[id] = record
	}
	return found
}
