package secrets

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestUnset(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("unset", "A"), 0, "unset A\n", "")
	tm.Want(tm.Run("unset", "A", "B", "A", "--env", "staging"), 0, "unset A, B in staging\n", "")
	tm.Want(tm.Run("rm", "A", "--json"), 0, `{"secrets":[{"name":"A","environment":"","action":"unset","result":"done","error":null}]}`+"\n", "")
	tm.WantRequests(
		`SetSecret {"name":"A"}`,
		`SetSecret {"environment_name":"staging","name":"A"}`, `SetSecret {"environment_name":"staging","name":"B"}`,
		`SetSecret {"name":"A"}`,
	)
}

func TestUnsetFails(t *testing.T) {
	for _, tt := range []struct {
		name, argv string
		answers    []faltest.Answer
		code       int
		out, err   string
	}{
		{"missing", "unset A", []faltest.Answer{faltest.Fail(5, "secret A not found")}, 3, "", "fal-secrets: error: secret A not found\n"},
		{"one of three missing", "unset A B C", []faltest.Answer{faltest.Reply(), faltest.Fail(5, "secret B not found")}, 1, "unset A, C\n",
			"1 of 3 secrets not unset\n  B: secret B not found\n"},
		{"all missing", "unset A B", []faltest.Answer{faltest.Fail(5, "secret A not found"), faltest.Fail(5, "secret B not found")}, 3, "",
			"2 of 2 secrets not unset\n  A: secret A not found\n  B: secret B not found\n"},
		{"not allowed", "unset A", []faltest.Answer{faltest.Fail(7, "needs an ADMIN key")}, 4, "", "needs an ADMIN key"},
		{"with a value", "unset A=canary", nil, 2, "", "unset takes names alone\nhint: fal-secrets unset A\n"},
		{"no name", "unset", nil, 2, "", "NAME is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.Script("SetSecret", tt.answers...)
			r := tm.Run(strings.Fields(tt.argv)...)
			tm.Want(r, tt.code, tt.out, tt.err)
			if strings.Contains(r.Err, "canary") {
				t.Errorf("a value was printed: %q", r.Err)
			}
		})
	}
}

func TestUnsetFailsAsJSON(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("SetSecret", faltest.Reply(), faltest.Fail(5, "secret B not found"))
	r := tm.Run("unset", "A", "B", "--json")
	tm.Want(r, 1, `{"secrets":[{"name":"A","environment":"","action":"unset","result":"done","error":null},`+
		`{"name":"B","environment":"","action":"unset","result":"failed","error":"secret B not found"}]}`+"\n", `"message":"1 of 2 secrets not unset`)
	if !json.Valid([]byte(r.Err)) {
		t.Errorf("stderr %q", r.Err)
	}
}

// It is never sent twice: the first one may have arrived, and then a second one
// says that there is nothing.
func TestUnsetIsNotRepeated(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("SetSecret", faltest.Fail(14, "later"))
	tm.Want(tm.Run("unset", "A"), 6, "", "later")
	tm.WantRequests(`SetSecret {"name":"A"}`)
}

func TestUnsetAsks(t *testing.T) {
	for _, tt := range []struct {
		name, argv, stdin string
		quiet             bool
		code              int
		out, err          string
		sent              int
	}{
		{"yes", "unset DB_URL OLD --env staging", "y\n", false, 0, "unset DB_URL, OLD in staging\n", "Unset DB_URL, OLD in staging? [y/N] ", 2},
		{"no", "unset DB_URL", "n\n", false, 1, "", "nothing was unset", 0},
		{"no answer", "unset DB_URL", "", false, 1, "", "nothing was unset", 0},
		{"not there", "unset NONE", "y\n", false, 3, "", "secret NONE not found", 0},
		{"two not there", "unset NONE DB_URL NIL --env qa", "y\n", false, 3, "", "secrets NONE, NIL not found in qa", 0},
		{"without a question", "unset DB_URL -y", "", false, 0, "unset DB_URL\n", "", 1},
		{"nobody sees a question", "unset DB_URL", "", true, 0, "unset DB_URL\n", "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY, tm.Quiet, tm.Stdin = true, tt.quiet, tt.stdin
			tm.Want(tm.Run(strings.Fields(tt.argv)...), tt.code, tt.out, tt.err)
			if got := tm.Requests("SetSecret"); len(got) != tt.sent {
				t.Errorf("requests %q, want %d", got, tt.sent)
			}
		})
	}
}

func TestUnsetDryRun(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("unset", "--dry-run", "DB_URL", "OLD", "--env", "staging"), 0, "would unset DB_URL, OLD in staging\n", "")
	tm.Want(tm.Run("unset", "--dry-run", "OLD", "-o", "jsonl"), 0, `{"name":"OLD","environment":"","action":"unset","result":"would","error":null}`+"\n", "")
	tm.Want(tm.Run("unset", "--dry-run", "NONE"), 3, "", "secret NONE not found")
	if got := tm.Requests("SetSecret"); len(got) > 0 {
		t.Errorf("%q was sent", got)
	}
}

func TestUnsetInterrupted(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("SetSecret", faltest.Reply(), faltest.Hang())
	tm.Want(tm.RunContext(interruptAt(t, tm.Server, 2), "unset", "A", "B", "C"), 130, "unset A\n", "")
}

// interruptAt ends when the server has got n requests to set something.
func interruptAt(t *testing.T, server *faltest.Server, n int) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for len(server.Calls("SetSecret")) < n && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}()
	return ctx
}
