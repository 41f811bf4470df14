package secrets

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// No value is printed, whatever source it has, whatever was asked for and
// whatever the service answers: it may repeat the value.
func TestNoValueIsPrinted(t *testing.T) {
	const canary = "c4n4ry$\\\"' \tß-5678"
	answers := map[string]func(value string) faltest.Answer{
		"done":     func(string) faltest.Answer { return faltest.Reply() },
		"repeated": func(v string) faltest.Answer { return faltest.Fail(3, "the value "+v+" is not allowed: "+v) },
		"alone":    func(v string) faltest.Answer { return faltest.Fail(13, v) },
		"quoted":   func(v string) faltest.Answer { return faltest.Fail(3, fmt.Sprintf("%q is not allowed", v)) },
		"as JSON": func(v string) faltest.Answer {
			text, _ := json.Marshal(map[string]string{"value": v})
			return faltest.Fail(3, string(text))
		},
		"as a new login": func(v string) faltest.Answer { return faltest.Fail(16, "unknown key "+v) },
		"in a header":    func(v string) faltest.Answer { return faltest.Fail(3, "no").WithHeader("x-value", printable(v)) },
		"in a trailer": func(v string) faltest.Answer {
			return faltest.Fail(3, "no").WithTrailer("x-request-id", printable(v)).WithTrailer("x-value", printable(v))
		},
		"at every try": func(v string) faltest.Answer { return faltest.Fail(14, "overloaded by "+v) },
	}
	sources := map[string]func(t *testing.T, tm *term, value string) []string{
		"argument": func(_ *testing.T, _ *term, value string) []string { return []string{"CANARY=" + value} },
		"stdin": func(_ *testing.T, tm *term, value string) []string {
			tm.Stdin = value + "\n"
			return []string{"CANARY"}
		},
		"prompt": func(_ *testing.T, tm *term, value string) []string {
			tm.Stdin, tm.TTY = value+"\n", true
			return []string{"CANARY"}
		},
		"terminal": func(_ *testing.T, tm *term, value string) []string {
			tm.TTY = true
			return []string{"CANARY=" + value}
		},
		"file": func(t *testing.T, _ *term, value string) []string {
			return []string{"--from-file", "CANARY=" + write(t, value)}
		},
		"env file": func(t *testing.T, _ *term, value string) []string {
			return []string{"--from-env-file", write(t, "CANARY="+value+"\n")}
		},
		"variable": func(_ *testing.T, tm *term, value string) []string {
			tm.Env["CANARY"] = value
			return []string{"--from-var", "CANARY"}
		},
	}
	for how, answer := range answers {
		forms := []string{"--debug", "--debug --json", "-v -o pretty", "--jq ."}
		for from, source := range sources {
			if how == "at every try" { // which takes a while
				if from != "argument" {
					continue
				}
				forms = forms[:1]
			}
			t.Run(how+", "+from, func(t *testing.T) {
				value := canary
				if strings.HasPrefix(how, "in a ") {
					value = printable(canary)
				}
				tm := newTerm(t)
				tm.Server.Handle("SetSecret", func(c faltest.Call) faltest.Answer {
					var request struct{ Value string }
					if err := json.Unmarshal(c.Request, &request); err != nil || request.Value != value {
						t.Errorf("%v: the value is %q, want %q", err, request.Value, value)
					}
					return answer(request.Value)
				})
				words := source(t, tm, value)
				for _, form := range forms {
					r := tm.Run(append(append([]string{"set"}, strings.Fields(form)...), words...)...)
					if failed := r.Code != 0; failed != (how != "done") {
						t.Errorf("%s: exit %d\n%s", form, r.Code, r.Err)
					}
					for _, part := range []string{value, "c4n4ry", "5678", fmt.Sprintf("%q", value)} {
						if strings.Contains(r.Out+r.Err, part) {
							t.Errorf("%s: printed\n%s%s", form, r.Out, r.Err)
							break
						}
					}
				}
			})
		}
	}
}

// printable is what is left of a text in a header.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}
