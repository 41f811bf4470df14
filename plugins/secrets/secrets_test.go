package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

// term is a command at a terminal, or in pipes, against a recording server.
type term struct {
	t      *testing.T
	server *faltest.Server
	env    map[string]string
	stdin  string
	tty    bool
	quiet  bool // stderr is no terminal all the same
}

type result struct {
	code     int
	out, err string
}

const sampleSecrets = `{"secrets": [
	{"name": "STRIPE_KEY", "createdTime": "2026-11-20T12:00:00Z", "defaultExposed": false},
	{"name": "DB_URL", "createdTime": "2026-11-21T11:59:19.678901Z", "environmentName": "main", "defaultExposed": true},
	{"name": "OLD"}
]}`

func newTerm(t *testing.T) *term {
	server := faltest.New(t)
	server.Handle("ListSecrets", func(faltest.Call) faltest.Answer { return faltest.Reply(sampleSecrets) })
	return &term{t: t, server: server, env: map[string]string{
		"FAL_KEY": "testid:testsecret", "FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(), "FAL_CONFIG_PATH": t.TempDir() + "/config.toml",
	}}
}

func testDependencies() dependencies {
	return dependencies{connect: session.Open, now: func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }}
}

func (tm *term) run(argv ...string) result {
	tm.t.Helper()
	return tm.runContext(tm.t.Context(), argv...)
}

func (tm *term) runContext(ctx context.Context, argv ...string) result {
	tm.t.Helper()
	streams, in, out, errout := iostreams.Test()
	in.WriteString(tm.stdin)
	getenv := func(name string) string { return tm.env[name] }
	streams.SetEnv(getenv)
	streams.SetTerminal(tm.tty, tm.tty, tm.tty && !tm.quiet)
	streams.SetColor(iostreams.ColorNever)
	code := cli.Run(ctx, app(testDependencies()), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	return result{code, out.String(), errout.String()}
}

func (tm *term) want(r result, code int, out, errout string) {
	tm.t.Helper()
	if r.code != code {
		tm.t.Errorf("exit %d, want %d\nstdout %s\nstderr %s", r.code, code, r.out, r.err)
	}
	if r.out != out {
		tm.t.Errorf("stdout\n%swant\n%s", r.out, out)
	}
	if errout == "" && r.err != "" || !strings.Contains(r.err, errout) {
		tm.t.Errorf("stderr %q, want %q", r.err, errout)
	}
}

// requests are the calls that the server got, one a line.
func (tm *term) requests(methods ...string) []string {
	tm.t.Helper()
	var lines []string
	for _, c := range tm.server.Calls(methods...) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, c.Request); err != nil {
			tm.t.Fatal(err)
		}
		lines = append(lines, c.Method+" "+compact.String())
	}
	return lines
}

func (tm *term) wantRequests(want ...string) {
	tm.t.Helper()
	if got := tm.requests(); !slices.Equal(got, want) {
		tm.t.Errorf("requests\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestList(t *testing.T) {
	tm := newTerm(t)
	tm.want(tm.run("list"), 0, `{"secrets":[`+
		`{"name":"DB_URL","environment":"main","created_at":"2026-11-21 11:59:19.678901+00:00","default_exposed":true},`+
		`{"name":"OLD","environment":"","created_at":"","default_exposed":null},`+
		`{"name":"STRIPE_KEY","environment":"","created_at":"2026-11-20 12:00:00+00:00","default_exposed":false}]}`+"\n", "")
	tm.want(tm.run("list", "--sort", "created:desc", "-o", "name"), 0, "DB_URL\nSTRIPE_KEY\nOLD\n", "")
	tm.want(tm.run("ls", "--jq", ".secrets[] | select(.default_exposed == false).name"), 0, "STRIPE_KEY\n", "")
	tm.tty = true
	tm.want(tm.run("list"), 0, "NAME        EXPOSED  AGE\nDB_URL      yes      40s\nOLD         default  -\nSTRIPE_KEY  no       1d\n", "3 secrets\n")
	tm.server.Script("ListSecrets", faltest.Reply())
	tm.want(tm.run("list"), 0, "", "no secrets\n")
}

func TestListEnvironment(t *testing.T) {
	tm := newTerm(t)
	tm.run("list")
	tm.run("list", "--env", "staging")
	tm.run("list", "--env", "main")
	tm.env["FAL_ENV"] = "qa"
	tm.run("list")
	tm.wantRequests(`ListSecrets {}`, `ListSecrets {"environment_name":"staging"}`, `ListSecrets {"environment_name":"main"}`, `ListSecrets {"environment_name":"qa"}`)
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
		tm.server.Handle("ListSecrets", func(c faltest.Call) faltest.Answer {
			if strings.Contains(string(c.Request), "nonesuch") {
				return faltest.Fail(5, "environment nonesuch not found")
			}
			return faltest.Fail(7, "not yours")
		})
		tm.want(tm.run(tt.argv...), tt.code, "", tt.err)
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
