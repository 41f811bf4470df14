package secrets

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

const sampleEnvironments = `{"environments": [{"name": "main", "is_default": true}, {"name": "staging"}, {"name": "qa"}]}`

// absent makes the server know of no environment but those that it lists, and
// of no secret to unset.
func (tm *term) absent(environment string) {
	missing := faltest.Fail(5, "environment "+environment+" not found")
	tm.Server.Handle("ListEnvironments", func(faltest.Call) faltest.Answer { return faltest.Reply(sampleEnvironments) })
	for _, method := range []string{"ListSecrets", "SetSecret"} {
		tm.Server.Handle(method, func(c faltest.Call) faltest.Answer {
			var request struct {
				Environment string `json:"environment_name"`
				Name        string
			}
			if err := json.Unmarshal(c.Request, &request); err != nil {
				tm.T.Error(err)
			}
			switch {
			case request.Environment == environment:
				return missing
			case method == "SetSecret":
				return faltest.Fail(5, "secret "+request.Name+" not found")
			}
			return faltest.Reply(sampleSecrets)
		})
	}
}

// What is not there is followed by what may have been meant, for which the
// service is asked once.
func TestNotFoundHints(t *testing.T) {
	const environments = "hint: `fal environments list` shows those that are there\n"
	for _, tt := range []struct {
		name, argv string
		tty        bool
		code       int
		err        string
		more       int // requests behind those that the command makes anyway
	}{
		{"list, a misspelt environment", "list --env stagign", false, 3, "environment stagign not found\nhint: did you mean staging?\n", 1},
		{"list, another environment", "list --env nosuch", false, 3, "environment nosuch not found\n" + environments, 1},
		{"set, a misspelt environment", "set A=canary --env stagign", false, 3, "hint: did you mean staging?\n", 1},
		{"set of several", "set A=canary B=canary --env nosuch", false, 3, "A was not set: environment nosuch not found\n  not set: B\n" + environments, 1},
		{"unset, an environment", "unset DB_URL OLD --env nosuch", false, 3, "OLD: environment nosuch not found\n" + environments, 0},
		{"unset on a terminal", "unset DB_URL --env nosuch", true, 3, "environment nosuch not found\n" + environments, 1},
		{"unset, a misspelt secret", "unset DB_ULR", false, 3, "secret DB_ULR not found\nhint: did you mean DB_URL?\n", 1},
		{"unset, two of them", "unset DB_ULR STRIPE NOPE", false, 3, "hint: did you mean DB_URL?\nhint: did you mean STRIPE_KEY?\nhint: `fal-secrets list` shows those that are there\n", 1},
		{"unset in an environment", "unset NOPE --env qa", false, 3, "secret NOPE not found\nhint: `fal-secrets list --env qa` shows those that are there\n", 1},
		{"dry run", "unset --dry-run DB_ULR OLD", false, 3, "secret DB_ULR not found\nhint: did you mean DB_URL?\n", 0},
		{"dry run of two", "unset --dry-run DB_ULR NOPE --env qa", false, 3, "secrets DB_ULR, NOPE not found in qa\nhint: did you mean DB_URL?\nhint: `fal-secrets list --env qa` shows those that are there\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY = tt.tty
			environment := "none"
			if _, named, ok := strings.Cut(tt.argv, "--env "); ok && named != "qa" {
				environment = named
			}
			tm.absent(environment)
			tm.Want(tm.Run(strings.Fields(tt.argv)...), tt.code, "", tt.err)
			more := len(tm.Requests("ListEnvironments"))
			if strings.HasPrefix(tt.argv, "unset") && !strings.Contains(tt.argv, "dry-run") && !tt.tty {
				lists := len(tm.Requests("ListSecrets"))
				if lists > 1 {
					t.Errorf("secrets were listed %d times", lists)
				}
				if environment == "none" {
					more += lists
				}
			}
			if more != tt.more {
				t.Errorf("%d more requests, want %d: %q", more, tt.more, tm.Requests())
			}
		})
	}
}

// A hint that can not be had is no error of its own.
func TestNotFoundHintsFail(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Handle("SetSecret", func(faltest.Call) faltest.Answer { return faltest.Fail(5, "secret A not found") })
	tm.Server.Handle("ListSecrets", func(faltest.Call) faltest.Answer { return faltest.Fail(7, "not yours") })
	tm.Want(tm.Run("unset", "A"), 3, "", "fal-secrets: error: secret A not found\nhint: `fal-secrets list` shows those that are there\n")
}

func TestGet(t *testing.T) {
	for _, argv := range []string{"get A", "show A --env staging", "read", "describe A B --json", "get A=canary"} {
		tm := newTerm(t)
		r := tm.Run(strings.Fields(argv)...)
		tm.Want(r, 2, "", "the value of a secret can not be read back, only set")
		if !strings.Contains(r.Err, "`fal-secrets list` shows the names") || strings.Contains(r.Err, "canary") {
			t.Errorf("%s: %q", argv, r.Err)
		}
		tm.WantRequests()
	}
	tm := newTerm(t)
	if r := tm.Run("--help"); strings.Contains(r.Out, "get") && strings.Contains(r.Out, newGet().Summary) {
		t.Errorf("the help has it: %s", r.Out)
	}
}
