package environments

import (
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

// newTerm is where the program is run, with the sample environments.
func newTerm(t *testing.T) *termtest.Term {
	server := faltest.New(t)
	server.Handle("ListEnvironments", func(faltest.Call) faltest.Answer {
		return faltest.Reply(`{"environments": [
			{"name": "staging", "description": "before [red]\u001b[31m", "created_at": "2026-11-20T12:00:00.678901Z"},
			{"name": "main", "is_default": true, "created_at": "2026-11-01T12:00:00Z"},
			{"name": "dev", "description": "", "created_at": "2026-11-21T11:59:00Z"}]}`)
	})
	server.Handle("ListAliases", func(c faltest.Call) faltest.Answer {
		if strings.Contains(string(c.Request), "staging") {
			return faltest.Reply(`{"aliases": [{"alias": "a--staging"}, {"alias": "b--staging"}]}`)
		}
		return faltest.Reply()
	})
	server.Handle("ListSecrets", func(c faltest.Call) faltest.Answer {
		if strings.Contains(string(c.Request), "staging") {
			return faltest.Reply(`{"secrets": [{"name": "A"}]}`)
		}
		return faltest.Reply()
	})
	server.Handle("CreateEnvironment", func(faltest.Call) faltest.Answer {
		return faltest.Reply(`{"environment": {"name": "qa", "description": "to try", "created_at": "2026-11-21T12:00:00Z"}}`)
	})
	return termtest.New(t, server, func(now func() time.Time) *cli.App { return app(dependencies{connect: session.Open, now: now}) })
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestList(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("list"), 0, `{"environments":[`+
		`{"name":"main","description":null,"is_default":true,"created_at":"2026-11-01 12:00:00+00:00"},`+
		`{"name":"dev","description":"","is_default":false,"created_at":"2026-11-21 11:59:00+00:00"},`+
		`{"name":"staging","description":"before [red]\u001b[31m","is_default":false,"created_at":"2026-11-20 12:00:00.678901+00:00"}]}`+"\n", "")
	tm.WantRequests("ListEnvironments {}")
	tm.Want(tm.Run("ls", "-o", "name", "--sort", "created:desc"), 0, "dev\nstaging\nmain\n", "")
	tm.TTY = true
	r := tm.Run("list")
	if r.Code != 0 || strings.Contains(r.Out, "\x1b") || !strings.Contains(r.Out, `23h59m  before [red]\x1b[31m`) || r.Err != "3 environments\n" {
		t.Errorf("%+v", r)
	}
	tm.Want(tm.Run("list", "--sort", "nonsense"), 2, "", "unknown sort key")
}

func TestCreate(t *testing.T) {
	for argv, want := range map[string]string{
		"create qa":                      `{"name":"qa"}`,
		"create qa --description to-try": `{"description":"to-try","name":"qa"}`,
		"create --description= qa":       `{"description":"","name":"qa"}`,
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(argv)...), 0, "created environment qa\n", "")
		tm.WantRequests("CreateEnvironment " + want)
	}
	tm := newTerm(t)
	tm.Want(tm.Run("create", "qa", "--json"), 0, `{"name":"qa","description":"to try","is_default":false,"created_at":"2026-11-21 12:00:00+00:00"}`+"\n", "")
	tm.Server.Script("CreateEnvironment", faltest.Fail(fal.CodeAlreadyExists, "environment qa exists already"))
	tm.Want(tm.Run("create", "qa"), 1, "", "environment qa exists already")
	tm.Want(tm.Run("create"), 2, "", "NAME is missing")
	tm.Want(tm.Run("create", ""), 2, "", "it is empty")
	tm.Want(tm.Run("create", "a", "b"), 2, "", "unexpected argument")
}

func TestDelete(t *testing.T) {
	list, staging, dev := "ListEnvironments {}", `DeleteEnvironment {"name":"staging"}`, `DeleteEnvironment {"name":"dev"}`
	const warning = "warning: staging has 2 apps, 1 secret, deleted with it unless the service refuses to\n"
	inStaging, inDev := []string{`ListAliases {"environment_name":"staging"}`, `ListSecrets {"environment_name":"staging"}`}, []string{`ListAliases {"environment_name":"dev"}`, `ListSecrets {"environment_name":"dev"}`}
	with := func(requests ...[]string) []string { return slices.Concat(requests...) }
	for _, tt := range []struct {
		name, argv string
		tty        bool
		stdin      string
		code       int
		out, err   string
		requests   []string
	}{
		{name: "not without an answer", argv: "delete staging", code: 2, err: "hint: fal-environments delete --yes -- staging\n"},
		{name: "yes", argv: "delete staging --yes", out: "deleted environment staging\n", requests: []string{staging}},
		{name: "several", argv: "delete -y staging dev staging", out: "deleted environment staging\ndeleted environment dev\n", requests: []string{staging, dev}},
		{name: "JSON", argv: "delete -y staging --json", out: `{"environments":[{"name":"staging","action":"delete","result":"done","error":null}]}` + "\n", requests: []string{staging}},
		{name: "dry run", argv: "delete staging dev --dry-run", out: "would delete environment staging\nwould delete environment dev\n", requests: []string{list}},
		{name: "dry run of what is not there", argv: "delete staging prod --dry-run", code: 3, err: "environment prod not found\nhint: `fal-environments list` shows those that are there\n", requests: []string{list}},
		{name: "dry run of the default one", argv: "delete main --dry-run", code: 1, err: "environment main is the default one, which can not be deleted", requests: []string{list}},
		{name: "asked and answered", argv: "delete dev", tty: true, stdin: "yes\n", out: "deleted environment dev\n", err: "Delete environment dev, which is empty? [y/N] ", requests: with([]string{list}, inDev, []string{dev})},
		{name: "asked and refused", argv: "delete staging", tty: true, stdin: "\n", code: 1, err: warning + `Delete environment staging ("before [red]\x1b[31m")? [y/N] `, requests: with([]string{list}, inStaging)},
		{name: "asked about several", argv: "delete dev staging", tty: true, stdin: "n\n", code: 1, err: "dev: empty\nstaging (\"before [red]\\x1b[31m\"): 2 apps, 1 secret\n" +
			"warning: what is in them is deleted with them unless the service refuses to\nDelete 2 environments? [y/N] ", requests: with([]string{list}, inDev, inStaging)},
		{name: "not there, at a terminal", argv: "delete prod", tty: true, code: 3, err: "environment prod not found", requests: []string{list}},
		{name: "misspelt, at a terminal", argv: "delete stagign", tty: true, code: 3, err: "environment stagign not found\nhint: did you mean staging?\n", requests: []string{list}},
		{name: "the default one, at a terminal", argv: "delete dev main", tty: true, stdin: "y\n", code: 1, err: "error: environment main is the default one, which can not be deleted\n", requests: []string{list}},
		{name: "not asked", argv: "delete dev -y", tty: true, out: "deleted environment dev\n", requests: []string{dev}},
		{name: "none", argv: "delete", code: 2, err: "NAME is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY, tm.Stdin = tt.tty, tt.stdin
			r := tm.Run(strings.Fields(tt.argv)...)
			tm.Want(r, tt.code, tt.out, tt.err)
			tm.WantRequests(tt.requests...)
			if strings.Contains(r.Err, "\x1b") {
				t.Errorf("stderr %q", r.Err)
			}
		})
	}
}

func TestDeleteFailures(t *testing.T) {
	missing := faltest.Fail(fal.CodeNotFound, "environment is not there")
	inUse := faltest.Fail(fal.CodeFailedPrecondition, "environment staging holds app checkout")
	tm := newTerm(t)
	tm.Server.Script("DeleteEnvironment", missing)
	tm.Want(tm.Run("delete", "-y", "staging"), 3, "", "environment is not there")
	tm.Server.Script("DeleteEnvironment", inUse)
	tm.Want(tm.Run("delete", "-y", "staging"), 1, "", "holds app checkout\nhint: fal apps delete a--staging b--staging --env staging\nhint: fal secrets unset A --env staging\n")
	tm.Server.Script("DeleteEnvironment", inUse)
	tm.Want(tm.Run("delete", "-y", "dev"), 1, "", "holds app checkout\n") // and nothing that could be named
	tm.Server.Script("DeleteEnvironment", inUse, faltest.Reply())
	tm.Want(tm.Run("delete", "-y", "staging", "dev"), 1, "deleted environment dev\n", "1 of 2 environments not deleted\n  staging: environment staging holds app checkout")
	tm.Server.Script("DeleteEnvironment", missing, missing)
	tm.Want(tm.Run("delete", "-y", "staging", "dev"), 3, "", "2 of 2 environments not deleted")
}

// What was not found is followed by what may have been meant, for which the
// service is asked once.
func TestDeleteHints(t *testing.T) {
	for argv, want := range map[string]string{
		"delete -y stagign":     "error: environment not there\nhint: did you mean staging?\n",
		"delete -y nosuch":      "error: environment not there\nhint: `fal-environments list` shows those that are there\n",
		"delete -y stagign dve": "  dve: environment not there\nhint: did you mean staging?\nhint: did you mean dev?\n",
	} {
		tm := newTerm(t)
		tm.Server.Handle("DeleteEnvironment", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeNotFound, "environment not there") })
		tm.Want(tm.Run(strings.Fields(argv)...), 3, "", want)
		if n := len(tm.Server.Calls("ListEnvironments")); n != 1 {
			t.Errorf("%s: environments were listed %d times", argv, n)
		}
	}
	tm := newTerm(t)
	tm.Server.Handle("ListEnvironments", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodePermissionDenied, "not yours") })
	tm.Server.Handle("DeleteEnvironment", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeNotFound, "environment not there") })
	tm.Want(tm.Run("delete", "-y", "stagign"), 3, "", "error: environment not there\nhint: `fal-environments list` shows")
}

// Nothing is deleted when it is not known what would be.
func TestDeleteWithoutContents(t *testing.T) {
	for _, method := range []string{"ListAliases", "ListSecrets"} {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Server.Handle(method, func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodePermissionDenied, "not yours") })
		tm.Want(tm.Run("delete", "staging"), 4, "", "not yours")
		if n := len(tm.Server.Calls("DeleteEnvironment")); n != 0 {
			t.Errorf("%d environments were deleted", n)
		}
	}
}
