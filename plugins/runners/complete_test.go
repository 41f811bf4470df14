package runners

import (
	"slices"
	"strings"
	"testing"
)

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "stop ", idA + "\tcheckout RUNNING 2h13m"},
		{"list --app checkout", "kill ", idB + "\tcheckout--staging RUNNING 1m"},
		{"list --state idle", "describe ", idC + "\tcheckout IDLE"},
		{"list --since 1h", "shell 4f2b", idB},
		{"stop --dry-run --all", "exec ", idD},
		{"list", "logs app/", "app/checkout--staging\t1 runner"},
		{"list", "list --app ", "checkout\t2 runners"},
		{"list", "stop --app ch", "checkout--staging\t"},
	} {
		t.Run(tt.list+", "+tt.line, func(t *testing.T) {
			tm := newTerm(t)
			tm.env["FAL_CACHE_DIR"] = t.TempDir()
			if r := tm.run(strings.Fields(tt.list)...); r.code != 0 {
				t.Fatal(r.err)
			}
			before := len(tm.requests("ListRunners"))
			r := tm.run(append([]string{"__complete", "--"}, strings.Split(tt.line, " ")...)...)
			if r.code != 0 || r.err != "" || !slices.ContainsFunc(strings.Split(r.out, "\n"), func(l string) bool { return strings.HasPrefix(l, tt.want) }) {
				t.Errorf("exit %d, stderr %q, want %q in\n%s", r.code, r.err, tt.want, r.out)
			}
			if asked := len(tm.requests("ListRunners")) - before; asked != 0 {
				t.Errorf("%d more requests", asked)
			}
		})
	}
}
