package apps

import (
	"strings"
	"testing"
)

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "status ", "checkout"},
		{"list --filter nothing-such", "scale ", "search\tpublic, XS S, 0 runners"},
		{"list", "scale search --machine-types ", "GPU-H100"},
		{"list --env staging", "rollout --env staging ch", "checkout\tshared"},
		{"list-rev checkout", "set-rev checkout 5", revOld},
		{"list-rev checkout", "rollback checkout --to ", revNew + "\tGPU-H100, 2 runners"},
		{"list-rev checkout--staging", "set-rev checkout --env staging ", revStaging},
		{"list-rev", "delete-rev ", revSearch},
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
