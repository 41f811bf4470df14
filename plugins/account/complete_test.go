package account

import (
	"strings"
	"testing"
)

// What a list printed is offered without another request: of the login, also
// where a key is set.
func TestListFeedsCompletion(t *testing.T) {
	for _, key := range []string{"", "id:c4n4ry"} {
		tm := newTerm(t, selects("crew"))
		tm.env["FAL_KEY"] = key
		if r := tm.run("list"); r.code != 0 {
			t.Fatal(r.err)
		}
		before := len(tm.server.Calls())
		r := tm.run("__complete", "--", "set", "")
		if r.code != 0 || r.err != "" || !strings.HasPrefix(r.out, "you\tpersonal, You\n") || !strings.Contains(r.out, "\ncrew\tteam\n") {
			t.Errorf("exit %d, stderr %q\n%s", r.code, r.err, r.out)
		}
		if asked := len(tm.server.Calls()) - before; asked != 0 {
			t.Errorf("%d more requests", asked)
		}
	}
}
