package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

// Ids of the sample keys; two begin alike. The key in use has another form.
const (
	idInUse = "testid"
	idAdmin = "19aa4c02-0000-4000-8000-000000000001"
	idAPI   = "19ab0007-0000-4000-8000-000000000002"
	idNew   = "7d1e91c0-0000-4000-8000-000000000003"
	secret  = "canary-5ecret"
)

// term is where the program is run, with the sample keys.
type term struct{ *termtest.Term }

func newTerm(t *testing.T) *term {
	server := faltest.New(t)
	server.Handle("ListUserKeys", func(faltest.Call) faltest.Answer {
		return faltest.Reply(fmt.Sprintf(`{"user_keys": [
			{"key_id": %q, "created_at": "2026-11-21T11:00:00.5Z", "scope": "API", "alias": "ci \u001b[31m[red]"},
			{"key_id": %q, "created_at": "2026-11-20T12:00:00Z", "alias": "old ci"},
			{"key_id": %q, "created_at": "2026-11-19T12:00:00Z"}]}`, idAPI, idAdmin, idInUse))
	})
	server.Handle("CreateUserKey", func(faltest.Call) faltest.Answer {
		return faltest.Reply(fmt.Sprintf(`{"key_id": %q, "key_secret": %q}`, idNew, secret))
	})
	return &term{termtest.New(t, server, func(now func() time.Time) *cli.App { return app(dependencies{connect: session.Open, now: now}) })}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrPermission }

func (tm *term) written() string {
	tm.T.Helper()
	text, err := os.ReadFile(tm.Config)
	if err != nil {
		tm.T.Fatal(err)
	}
	return string(text)
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestListJSON(t *testing.T) {
	tm := newTerm(t)
	r := tm.Run("list")
	var got struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 0 || r.Err != "" || strings.Count(r.Out, "\n") != 1 {
		t.Fatalf("%v: %+v", err, r)
	}
	var ids []string
	for _, k := range got.Keys {
		if have := slices.Sorted(maps.Keys(k)); !slices.Equal(have, []string{"created_at", "description", "in_use", "key_id", "scope"}) {
			t.Errorf("keys %q", have)
		}
		ids = append(ids, k["key_id"].(string))
	}
	if !slices.Equal(ids, []string{idInUse, idAdmin, idAPI}) {
		t.Errorf("order %q", ids)
	}
	for i, want := range []map[string]any{
		{"created_at": "2026-11-19 12:00:00+00:00", "scope": "ADMIN", "description": "", "in_use": true, "key_id": idInUse},
		{"created_at": "2026-11-20 12:00:00+00:00", "scope": "ADMIN", "description": "old ci", "in_use": false, "key_id": idAdmin},
		{"created_at": "2026-11-21 11:00:00.500000+00:00", "scope": "API", "description": "ci \x1b[31m[red]", "in_use": false, "key_id": idAPI},
	} {
		if !maps.Equal(got.Keys[i], want) {
			t.Errorf("got %v, want %v", got.Keys[i], want)
		}
	}
	tm.WantRequests("ListUserKeys {}")
}

func TestListSort(t *testing.T) {
	for sort, want := range map[string][]string{
		"created:desc": {idAPI, idAdmin, idInUse}, "age": {idAPI, idAdmin, idInUse}, "id": {idAdmin, idAPI, idInUse},
		"scope": {idInUse, idAdmin, idAPI}, "description:desc": {idAdmin, idAPI, idInUse},
	} {
		tm := newTerm(t)
		tm.Want(tm.Run("list", "-o", "name", "--sort", sort), 0, strings.Join(want, "\n")+"\n", "")
	}
	tm := newTerm(t)
	tm.Want(tm.Run("list", "--sort", "nonsense"), 2, "", "unknown sort key")
	tm.WantRequests()
}

func TestListEmpty(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("ListUserKeys", faltest.Reply())
	tm.Want(tm.Run("list"), 0, `{"keys":[]}`+"\n", "no keys\n")
}

func TestCreate(t *testing.T) {
	line := "FAL_KEY='" + idNew + ":" + secret + "'\n"
	for _, tt := range []struct {
		argv, request, out, note string
	}{
		{"create", `{"scope":"API"}`, line, "warning: the secret of this API key is shown only once"},
		{"create --scope api --desc é", `{"alias":"é","scope":"API"}`, line, "warning: "},
		{"create --scope Admin", `{}`, line, "warning: the secret of this ADMIN key"},
		{"create --desc=", `{"alias":"","scope":"API"}`, line, "warning: "},
		{"create --scope ADMIN --json", `{}`, `{"key_id":"` + idNew + `","key_secret":"` + secret + `","scope":"ADMIN","description":"","profile":null}` + "\n", ""},
		{"create --desc d -q .key_secret,.description", `{"alias":"d","scope":"API"}`, secret + "\nd\n", ""},
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(tt.argv)...), 0, tt.out, tt.note)
		tm.WantRequests("CreateUserKey " + tt.request)
	}
}

func TestCreateQuotes(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("CreateUserKey", faltest.Reply(`{"key_id": "a", "key_secret": "it's\u001b[31m"}`))
	tm.Want(tm.Run("create"), 0, "FAL_KEY='a:it'\\''s\x1b[31m'\n", "warning: ")
	tm.TTY = true
	tm.Server.Script("CreateUserKey", faltest.Reply(`{"key_id": "a", "key_secret": "s\u001b[31m"}`))
	if r := tm.Run("create"); strings.Contains(r.Out, "\x1b") {
		t.Errorf("a control character reached the terminal: %q", r.Out)
	}
}

func TestCreateUsage(t *testing.T) {
	for argv, want := range map[string]string{
		"create --scope root":      "unknown value",
		"create --force":           "--force is for --save-profile",
		"create --save-profile=":   "it is empty",
		"create -o name":           "name is for lists",
		"create extra":             "unexpected argument",
		"create --jq .key_secret[": "jq",
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(argv)...), 2, "", want)
		tm.WantRequests()
	}
}

// Whoever is not told what became of the request is told that.
func TestCreateUncertain(t *testing.T) {
	const advice = "a key may have been created all the same: `fal-keys list` shows it"
	for name, tt := range map[string]struct {
		answer faltest.Answer
		code   int
		advice bool
	}{
		"dropped":     {faltest.Drop(), 6, true},
		"unavailable": {faltest.Fail(fal.CodeUnavailable, "later"), 6, true},
		"internal":    {faltest.Fail(fal.CodeInternal, "oops"), 1, true},
		"incomplete":  {faltest.Reply(`{"key_id": "a"}`), 1, true},
		"denied":      {faltest.Fail(fal.CodePermissionDenied, "needs ADMIN"), 4, false},
		"invalid":     {faltest.Fail(fal.CodeInvalidArgument, "too long"), 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.Script("CreateUserKey", tt.answer)
			r := tm.Run("create")
			if r.Code != tt.code || r.Out != "" || strings.Contains(r.Err, advice) != tt.advice {
				t.Errorf("%+v", r)
			}
			if n := len(tm.Requests()); n != 1 {
				t.Errorf("%d requests: creation was repeated", n)
			}
		})
	}
	tm := newTerm(t)
	tm.Server.Close()
	if r := tm.Run("create"); r.Code != 6 || strings.Contains(r.Err, "may have been created") {
		t.Errorf("%+v", r)
	}
}

func TestCreateInterrupted(t *testing.T) {
	tm := newTerm(t)
	ctx, cancel := context.WithCancel(t.Context())
	tm.Server.Handle("CreateUserKey", func(faltest.Call) faltest.Answer { cancel(); return faltest.Hang() })
	tm.Want(tm.RunContext(ctx, "create"), 130, "", "note: a key may have been created all the same")
}

// A key that could not be shown does not stay behind.
func TestCreateUnprintable(t *testing.T) {
	revoked := "key " + idNew + " was revoked again"
	tm := newTerm(t)
	tm.Stdout = brokenWriter{}
	tm.Want(tm.Run("create"), 1, "", revoked)
	tm.Stdout = nil
	tm.Want(tm.Run("create", "-q", `error("x")`), 5, "", revoked)
	created, gone := `CreateUserKey {"scope":"API"}`, `RevokeUserKey {"key_id":"`+idNew+`"}`
	tm.WantRequests(created, gone, created, gone)

	tm.Server.Script("RevokeUserKey", faltest.Fail(fal.CodeInternal, "oops"))
	r := tm.Run("create", "-q", `error("x")`)
	if r.Code != 5 || !strings.Contains(r.Err, "nor could it be revoked: oops") || !strings.Contains(r.Err, "hint: fal-keys revoke "+idNew) || strings.Contains(r.Err, secret) {
		t.Errorf("%+v", r)
	}
}

func TestDebugShowsNoSecret(t *testing.T) {
	tm := newTerm(t)
	for _, argv := range [][]string{{"create", "--debug", "-q", ".key_id"}, {"create", "--debug", "--save-profile", "ci"}} {
		if r := tm.Run(argv...); r.Code != 0 || strings.Contains(r.Out+r.Err, secret) || strings.Contains(r.Out+r.Err, "testsecret") || !strings.Contains(r.Err, "CreateUserKey") {
			t.Errorf("%+v", r)
		}
	}
}

func TestRevoke(t *testing.T) {
	list, admin, api := "ListUserKeys {}", `RevokeUserKey {"key_id":"`+idAdmin+`"}`, `RevokeUserKey {"key_id":"`+idAPI+`"}`
	inUse := `RevokeUserKey {"key_id":"` + idInUse + `"}`
	for _, tt := range []struct {
		name, argv string
		tty        bool
		stdin      string
		code       int
		out, err   string
		requests   []string
	}{
		{name: "an id in full, as the official client", argv: "revoke " + idAdmin, out: "revoked " + idAdmin + "\n", requests: []string{admin}},
		{name: "in capitals", argv: "revoke " + strings.ToUpper(idAdmin), out: "revoked " + idAdmin + "\n", requests: []string{admin}},
		{name: "as other nouns say it", argv: "delete " + idAdmin, out: "revoked " + idAdmin + "\n", requests: []string{admin}},
		{name: "in short", argv: "rm " + idAdmin, out: "revoked " + idAdmin + "\n", requests: []string{admin}},
		{name: "names of what was done", argv: "revoke -o name " + idAdmin, out: idAdmin + "\n", requests: []string{admin}},
		{name: "several", argv: "revoke " + idAPI + " " + idAdmin + " " + idAPI, out: "revoked " + idAPI + "\nrevoked " + idAdmin + "\n", requests: []string{api, admin}},
		{name: "beginnings", argv: "revoke 19AA 19ab", out: "revoked " + idAdmin + "\nrevoked " + idAPI + "\n", requests: []string{list, admin, api}},
		{name: "not unique", argv: "revoke 19a", code: 2, err: `"19a" is the beginning of 2 key ids`, requests: []string{list}},
		{name: "unknown", argv: "revoke 19aa ffff", code: 3, err: "key ffff not found", requests: []string{list}},
		{name: "a whole key", argv: "revoke " + idAdmin + ":hunter2", code: 2, err: "hint: fal-keys revoke " + idAdmin + "\n"},
		{name: "empty", argv: "revoke :", code: 2, err: "is empty"},
		{name: "none", argv: "revoke", code: 2, err: "ID is missing"},
		{name: "the key in use", argv: "revoke testid 19aa", code: 2, err: "hint: fal-keys revoke --force -- testid 19aa", requests: []string{list}},
		{name: "the key in use comes last", argv: "revoke --force testid 19aa", out: "revoked " + idAdmin + "\nrevoked testid\n", requests: []string{list, admin, inUse}},
		{name: "dry run", argv: "revoke --dry-run " + idAdmin, out: "would revoke " + idAdmin + "\n", requests: []string{list}},
		{name: "JSON of an id in full", argv: "revoke --json " + idAdmin, out: `{"keys":[{"key_id":"` + idAdmin + `","scope":null,"description":null,"action":"revoke","result":"done","error":null}]}` + "\n", requests: []string{admin}},
		{name: "JSON", argv: "revoke --json 19aa", out: `{"keys":[{"key_id":"` + idAdmin + `","scope":"ADMIN","description":"old ci","action":"revoke","result":"done","error":null}]}` + "\n", requests: []string{list, admin}},
		{name: "yes", argv: "revoke 19aa", tty: true, stdin: "y\n", out: "revoked " + idAdmin + "\n", err: "Revoke key " + idAdmin + ` (ADMIN, "old ci")? [y/N] `, requests: []string{list, admin}},
		{name: "no", argv: "revoke 19aa", tty: true, stdin: "\n", code: 1, err: "nothing was revoked", requests: []string{list}},
		{name: "shown before the question", argv: "revoke 19aa 19ab", tty: true, stdin: "n\n", code: 1, err: idAdmin + `  ADMIN, "old ci"` + "\n" + idAPI + `  API, "ci \x1b[31m[red]"` + "\nRevoke 2 keys? [y/N] ", requests: []string{list}},
		{name: "not asked", argv: "revoke -y " + idAdmin, tty: true, out: "revoked " + idAdmin + "\n", requests: []string{admin}},
		{name: "the key in use is said to be", argv: "revoke --force testid", tty: true, stdin: "n\n", code: 1, err: "Revoke key testid (ADMIN, in use)?", requests: []string{list}},
		{name: "unknown at a terminal", argv: "revoke ffffffff-ffff-4fff-8fff-ffffffffffff", tty: true, code: 3, err: "not found", requests: []string{list}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY, tm.Stdin = tt.tty, tt.stdin
			r := tm.Run(strings.Fields(tt.argv)...)
			tm.Want(r, tt.code, tt.out, tt.err)
			tm.WantRequests(tt.requests...)
			if strings.Contains(r.Err, "hunter2") || strings.Contains(r.Err, "\x1b") {
				t.Errorf("stderr %q", r.Err)
			}
		})
	}
}

func TestRevokeFailures(t *testing.T) {
	missing := faltest.Fail(fal.CodeNotFound, "key is not there")
	tm := newTerm(t)
	tm.Server.Script("RevokeUserKey", missing)
	tm.Want(tm.Run("revoke", idAdmin), 3, "", "key is not there")

	tm.Server.Script("RevokeUserKey", missing, faltest.Reply())
	tm.Want(tm.Run("revoke", idAdmin, idAPI), 1, "revoked "+idAPI+"\n", "1 of 2 keys not revoked\n  "+idAdmin+": key is not there")

	tm.Server.Script("RevokeUserKey", missing, faltest.Reply())
	tm.Want(tm.Run("revoke", "-o", "name", idAdmin, idAPI), 1, idAPI+"\n", "1 of 2 keys not revoked")

	tm.Server.Script("RevokeUserKey", missing, missing)
	tm.Want(tm.Run("revoke", idAdmin, idAPI), 3, "", "2 of 2 keys not revoked")

	// The key in use is needed as long as there is something left to do.
	tm.Server.Script("RevokeUserKey", missing)
	tm.Want(tm.Run("revoke", "--force", "testid", "19aa"), 1, "", "testid: left as it is")
	if last := tm.Requests()[len(tm.Requests())-1]; !strings.Contains(last, idAdmin) {
		t.Errorf("the last request is %s", last)
	}
}
