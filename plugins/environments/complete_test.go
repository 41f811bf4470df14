package environments

import (
	"strings"
	"testing"
)

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "delete ", "staging\tbefore [red]"},
		{"delete --dry-run dev", "delete m", "main\tdefault"},
	} {
		t.Run(tt.list+", "+tt.line, func(t *testing.T) {
			tm := newTerm(t)
			tm.env["FAL_CACHE_DIR"] = t.TempDir()
			if r := tm.run(strings.Fields(tt.list)...); r.code != 0 {
				t.Fatal(r.err)
			}
			before := len(tm.server.Calls())
			r := tm.run(append([]string{"__complete", "--"}, strings.Split(tt.line, " ")...)...)
			if r.code != 0 || r.err != "" || !strings.Contains("\n"+r.out, "\n"+tt.want) {
				t.Errorf("exit %d, stderr %q, want %q in\n%s", r.code, r.err, tt.want, r.out)
			}
			if asked := len(tm.server.Calls()) - before; asked != 0 {
				t.Errorf("%d more requests", asked)
			}
		})
	}
}
