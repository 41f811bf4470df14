package runners

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func outData(text string) string {
	return fmt.Sprintf(`{"data": %q}`, base64.StdEncoding.EncodeToString([]byte(text)))
}

// told reads what the client says to the end of its input. Data is joined and
// shown as text.
func told(st *faltest.Stream) (messages []string, input string) {
	for {
		m, err := st.Receive()
		if err != nil {
			return messages, input
		}
		var in struct{ Data []byte }
		if json.Unmarshal(m, &in) == nil && len(in.Data) > 0 {
			input += string(in.Data)
		} else {
			messages = append(messages, string(m))
		}
	}
}

func TestExecRequests(t *testing.T) {
	tests := []struct {
		name, argv, stdin string
		messages          []string
		input             string
	}{
		{"a command", "exec " + idA + " -- ls -l", "not sent", []string{`{"command":["ls","-l"],"runner_id":"` + idA + `"}`}, ""},
		{"without dashes", "exec " + idA + " ls x", "", []string{`{"command":["ls","x"],"runner_id":"` + idA + `"}`}, ""},
		{"a prefix", "exec 4f2a -- ls", "", []string{`{"command":["ls"],"runner_id":"` + idA + `"}`}, ""},
		{"standard input", "exec " + idA + " -i -- tar x", "\x00\xff\r\n~.", []string{`{"command":["tar","x"],"runner_id":"` + idA + `"}`}, "\x00\xff\r\n~."},
		{"long names", "exec --stdin " + idA + " -- cat", "in", []string{`{"command":["cat"],"runner_id":"` + idA + `"}`}, "in"},
		{"empty input", "exec -i " + idA + " -- cat", "", []string{`{"command":["cat"],"runner_id":"` + idA + `"}`}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Stdin = tt.stdin
			var messages []string
			var input string
			tm.Server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
				messages, input = told(st)
				return faltest.Reply(outData("a\x1b[31m\r\n\x00"), `{"data": "Yg==", "exit_code": 0}`)
			})
			tm.Want(tm.Run(strings.Fields(tt.argv)...), 0, "a\x1b[31m\r\n\x00b", "")
			if diff := cmp.Diff(tt.messages, messages); diff != "" || input != tt.input {
				t.Errorf("input %q, messages %s", input, diff)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	gone := "gone0000-0000-4000-8000-000000000005"
	late := "late0000-0000-4000-8000-000000000006"
	tests := []struct {
		name   string
		id     string
		answer faltest.Answer
		code   int
		out    string
		errout string
	}{
		{"exit code", idA, faltest.Reply(outData("x"), `{"exit_code": 7}`), 7, "x", ""},
		{"a code that is also ours", idA, faltest.Reply(`{"exit_code": 3}`), 3, "", ""},
		{"the code of a failure", idA, faltest.Reply(`{"exit_code": 255}`), 255, "", ""},
		{"no code of a process", idA, faltest.Reply(`{"exit_code": -1}`), 255, "", "the command ended with -1"},
		{"closed", idA, faltest.Reply(outData("x"), `{"close": true}`), 255, "x", "how the command ended was not told"},
		{"ended in silence", idA, faltest.Reply(outData("x")), 255, "x", "how the command ended was not told"},
		{"unknown", "ffffffff-ffff-4fff-8fff-ffffffffffff", faltest.Fail(fal.CodeNotFound, "nope"), 255, "", "error: runner ffffffff-ffff-4fff-8fff-ffffffffffff not found\nhint: "},
		{"ended", gone, faltest.Fail(fal.CodeNotFound, "nope"), 255, "", "error: runner " + gone + " has ended"},
		{"not yet running", late, faltest.Fail(fal.CodeFailedPrecondition, "nope"), 255, "", "error: runner " + late + " does not run yet: it is in DOCKER_PULL"},
		{"refused for another reason", idA, faltest.Fail(fal.CodeFailedPrecondition, "no shells here"), 255, "", "no shells here"},
		{"not allowed", idA, faltest.Fail(fal.CodePermissionDenied, "not yours"), 255, "", "not yours"},
		{"cut off", idA, faltest.Drop(), 255, "", "connection lost: connection "},
		{"no prefix of anything", "eeee", faltest.Reply(), 255, "", "runner eeee not found"},
		{"ended, by a prefix", "gone", faltest.Reply(), 255, "", "error: runner " + gone + " has ended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			all := append(sampleRunners(), faltest.Runner{ID: gone, State: 7}, faltest.Runner{ID: late, State: 4})
			tm.Server.SetRunners(all...)
			tm.Server.Handle("ListRunners", func(c faltest.Call) faltest.Answer {
				var runners []string
				for _, r := range all {
					if r.State != 7 || strings.Contains(string(c.Request), "start_time") {
						runners = append(runners, fmt.Sprintf(`{"runner_id": %q, "state": %d}`, r.ID, r.State))
					}
				}
				return faltest.Reply(`{"runners": [` + strings.Join(runners, ",") + `]}`)
			})
			tm.Server.HandleStream("ShellRunner", func(*faltest.Stream) faltest.Answer { return tt.answer })
			tm.Want(tm.Run("exec", tt.id, "--", "cmd"), tt.code, tt.out, tt.errout)
		})
	}
}

func TestSessionCannotBegin(t *testing.T) {
	tests := []struct {
		name, argv string
		tty        bool
		env        map[string]string
		code       int
		errout     string
	}{
		{"no terminal", "exec " + idA + " -it -- bash", false, nil, 2, "hint: `fal-runners exec " + idA + " -i -- bash`, to feed it"},
		{"no terminal, without input", "exec " + idA + " -t -- ls", false, nil, 2, "hint: fal-runners exec " + idA + " -- ls"},
		{"interactive means both", "exec " + idA + " --interactive -- ls", false, nil, 2, "-t with -i needs a terminal"},
		{"a shell without a terminal", "shell " + idA, false, nil, 2, "hint: `fal-runners exec " + idA + " -i -- sh`, to feed a shell"},
		{"no command", "exec " + idA, false, nil, 2, "COMMAND is missing"},
		{"no id", "shell", true, nil, 2, "ID is missing"},
		{"dashes too late", "exec " + idA + " cat -- x", false, nil, 2, "hint: fal-runners exec " + idA + " -- cat x"},
		{"flags without dashes", "exec " + idA + " ls -v", false, nil, 2, "hint: fal-runners exec " + idA + " -- ls -v"},
		{"no key", "exec " + idA + " -- ls", false, map[string]string{"FAL_KEY": ""}, 255, "no credentials"},
		{"a broken key", "exec " + idA + " -- ls", false, map[string]string{"FAL_KEY": "nonsense"}, 255, "FAL_KEY"},
		{"nobody there", "exec " + idA + " -- ls", false, map[string]string{"FAL_GRPC_HOST": "127.0.0.1:1"}, 255, "connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY = tt.tty
			for name, value := range tt.env {
				tm.Env[name] = value
			}
			tm.Want(tm.Run(strings.Fields(tt.argv)...), tt.code, "", tt.errout)
			if n := len(tm.Server.Calls("ShellRunner")); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestSessionTimeout: the time is for the first answer, and not for the session.
func TestSessionTimeout(t *testing.T) {
	tm := newTerm(t)
	tm.Server.HandleStream("ShellRunner", func(*faltest.Stream) faltest.Answer { return faltest.Hang() })
	tm.Want(tm.Run("exec", idA, "--timeout", "50ms", "--", "ls"), 255, "", "no answer from")

	const limit = 2 * time.Second
	tm = newTerm(t)
	tm.Server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
		if err := st.Open(); err != nil {
			t.Error(err)
		}
		select { // longer than the limit
		case <-time.After(limit + limit/2):
		case <-st.Context().Done():
		}
		return faltest.Reply(`{"exit_code": 9}`)
	})
	tm.Want(tm.Run("exec", idA, "--timeout", limit.String(), "--", "ls"), 9, "", "")
}

func TestInterruptedSessionTellsTheService(t *testing.T) {
	tm := newTerm(t)
	tm.Stdin = "" // ends at once; the stream stays half open
	ctx, cancel := context.WithCancel(t.Context())
	broken := make(chan struct{})
	tm.Server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
		if err := st.Send(outData("ready")); err != nil {
			t.Error(err)
		}
		cancel()
		<-st.Context().Done()
		close(broken)
		return faltest.Hang()
	})
	r := tm.RunContext(ctx, "exec", idA, "--", "sleep", "1000")
	if r.Code != 130 || strings.Contains(r.Err, "error") {
		t.Errorf("%+v", r)
	}
	<-broken
}
