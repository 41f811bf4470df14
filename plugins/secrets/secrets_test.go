package secrets

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

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

// term is where the program is run, with the sample secrets.
type term struct{ *termtest.Term }

const sampleSecrets = `{"secrets": [
	{"name": "STRIPE_KEY", "createdTime": "2026-11-20T12:00:00Z", "defaultExposed": false},
	{"name": "DB_URL", "createdTime": "2026-11-21T11:59:19.678901Z", "environmentName": "main", "defaultExposed": true},
	{"name": "OLD"}
]}`

func newTerm(t *testing.T) *term {
	server := faltest.New(t)
	server.Handle("ListSecrets", func(faltest.Call) faltest.Answer { return faltest.Reply(sampleSecrets) })
	return &term{termtest.New(t, server, func(func() time.Time) *cli.App { return app(testDependencies()) })}
}

func testDependencies() dependencies {
	return dependencies{connect: session.Open, now: func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		environ: func() []string {
			return []string{"STRIPE_KEY=c4n4ry", "STAGE=c4n4ry", "EMPTY=", "_=/bin/c4n4ry", "BASH_FUNC_x%%=c4n4ry"}
		}}
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestList(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("list"), 0, `{"secrets":[`+
		`{"name":"DB_URL","environment":"main","created_at":"2026-11-21 11:59:19.678901+00:00","default_exposed":true},`+
		`{"name":"OLD","environment":"","created_at":"","default_exposed":null},`+
		`{"name":"STRIPE_KEY","environment":"","created_at":"2026-11-20 12:00:00+00:00","default_exposed":false}]}`+"\n", "")
	tm.Want(tm.Run("list", "--sort", "created:desc", "-o", "name"), 0, "DB_URL\nSTRIPE_KEY\nOLD\n", "")
	tm.Want(tm.Run("ls", "--jq", ".secrets[] | select(.default_exposed == false).name"), 0, "STRIPE_KEY\n", "")
	tm.TTY = true
	tm.Want(tm.Run("list"), 0, "NAME        EXPOSED  AGE\nDB_URL      yes      40s\nOLD         default  -\nSTRIPE_KEY  no       1d\n", "3 secrets\n")
	tm.Server.Script("ListSecrets", faltest.Reply())
	tm.Want(tm.Run("list"), 0, "", "no secrets\n")
}

func TestListEnvironment(t *testing.T) {
	tm := newTerm(t)
	tm.Run("list")
	tm.Run("list", "--env", "staging")
	tm.Run("list", "--env", "main")
	tm.Env["FAL_ENV"] = "qa"
	tm.Run("list")
	tm.WantRequests(`ListSecrets {}`, `ListSecrets {"environment_name":"staging"}`, `ListSecrets {"environment_name":"main"}`, `ListSecrets {"environment_name":"qa"}`)
}

func TestListRefuses(t *testing.T) {
	for _, tt := range []struct {
		argv []string
		code int
		err  string
	}{
		{[]string{"list", "x"}, 2, "unexpected argument"},
		{[]string{"list", "--sort", "agee"}, 2, "did you mean age?"},
		{[]string{"list", "--jq", "."}, 4, "not yours"},
		{[]string{"list", "--env", "nonesuch"}, 3, "environment nonesuch not found"},
	} {
		tm := newTerm(t)
		tm.Server.Handle("ListSecrets", func(c faltest.Call) faltest.Answer {
			if strings.Contains(string(c.Request), "nonesuch") {
				return faltest.Fail(5, "environment nonesuch not found")
			}
			return faltest.Fail(7, "not yours")
		})
		tm.Want(tm.Run(tt.argv...), tt.code, "", tt.err)
	}
}

// watched tells of the first read.
type watched struct {
	io.Reader
	read chan struct{}
}

func (w *watched) Read(p []byte) (int, error) {
	select {
	case <-w.read:
	default:
		close(w.read)
	}
	return w.Reader.Read(p)
}

func contextEndedBy(t *testing.T, event <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		select {
		case <-event:
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx, cancel
}
