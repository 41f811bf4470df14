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
		tm.Env["FAL_KEY"] = key
		if r := tm.Run("list"); r.Code != 0 {
			t.Fatal(r.Err)
		}
		before := len(tm.Server.Calls())
		r := tm.Run("__complete", "--", "set", "")
		if r.Code != 0 || r.Err != "" || !strings.HasPrefix(r.Out, "you\tpersonal, You\n") || !strings.Contains(r.Out, "\ncrew\tteam\n") {
			t.Errorf("exit %d, stderr %q\n%s", r.Code, r.Err, r.Out)
		}
		if asked := len(tm.Server.Calls()) - before; asked != 0 {
			t.Errorf("%d more requests", asked)
		}
	}
}
