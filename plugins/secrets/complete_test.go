package secrets

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "unset ", "DB_URL\t"},
		{"list --env staging", "set --env=staging S", "STRIPE_KEY\t"},
		{"list", "set A=1 O", "OLD\t"},
	} {
		t.Run(tt.list+", "+tt.line, func(t *testing.T) {
			newTerm(t).WantFed(tt.list, tt.line, tt.want)
		})
	}
}

func TestCompletionOfSources(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"key.pem", ".hidden", "keys"} {
		if name == "keys" {
			if err := os.Mkdir(name, 0o700); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"set --from-var ":                  "STAGE\t\nSTRIPE_KEY\t\n:none\n",
		"set --from-var=ST":                "--from-var=STAGE\t\n--from-var=STRIPE_KEY\t\n:none\n",
		"set --from-var STAGE --from-var ": "STRIPE_KEY\t\n:none\n",
		"set --from-file STR":              "STRIPE_KEY=\t\n:nospace\n",
		"set --from-file A=key.":           "A=key.pem\t\n:none\n",
		"set --from-file A=":               "A=key.pem\t\nA=keys/\t\n:nospace\n",
		"set --from-file=A=.":              "--from-file=A=.hidden\t\n:none\n",
		"set --from-file A=missing/":       ":none\n",
	} {
		tm := newTerm(t)
		tm.Env["FAL_CACHE_DIR"] = t.TempDir()
		r := tm.Run(append([]string{"__complete", "--"}, strings.Split(line, " ")...)...)
		r.Out = regexp.MustCompile(`\t.*`).ReplaceAllString(r.Out, "\t") // its age
		if r.Code != 0 || r.Err != "" || r.Out != want {
			t.Errorf("%s: exit %d, stderr %q, stdout %q, want %q", line, r.Code, r.Err, r.Out, want)
		}
	}
}
