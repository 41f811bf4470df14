package interop

import (
	"strings"
	"testing"
)

func listing(t *testing.T, runners ...string) Listing {
	t.Helper()
	parsed, err := ParseListing(`{"runners": [` + strings.Join(runners, ",") + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseListing(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":       "",
		"text":          "No runners",
		"noticeBefore":  "Ignoring explicit team\n{\"runners\": []}",
		"two documents": `{"runners": []} {"runners": []}`,
		"no list":       `{}`,
		"no id":         `{"runners": [{"state": "IDLE"}]}`,
		"same id twice": `{"runners": [{"runner_id": "a"}, {"runner_id": "a"}]}`,
	} {
		if got, err := ParseListing(text); err == nil {
			t.Errorf("%s: accepted as %v", name, got)
		}
	}
	if got := listing(t); len(got) != 0 {
		t.Errorf("an empty list gave %v", got)
	}
}

func TestListingIDs(t *testing.T) {
	l := listing(t, `{"runner_id": "b", "state": "IDLE"}`, `{"runner_id": "a", "state": "DRAINING"}`)
	if got := strings.Join(l.IDs(), " "); got != "a b" {
		t.Errorf("all ids: %q", got)
	}
	if got := strings.Join(l.IDs("RUNNING", "IDLE"), " "); got != "b" {
		t.Errorf("live ids: %q", got)
	}
	if got := l.State("c"); got != "" {
		t.Errorf("state of a runner that is not there: %q", got)
	}
}

func TestDisagreements(t *testing.T) {
	const official = `{"runner_id": "a", "uptime_seconds": 5, "state": "IDLE", "expiration_countdown": null}`
	for _, test := range []struct {
		name          string
		before, after string
		want          string // part of the only disagreement; empty: none
	}{
		{
			name:   "equal",
			before: official, after: official,
		}, {
			name:   "in between, and a key more",
			before: `{"runner_id": "a", "uptime_seconds": 4, "state": "RUNNING", "expiration_countdown": 1, "age": 4}`,
			after:  `{"runner_id": "a", "uptime_seconds": 6, "state": "IDLE", "expiration_countdown": null}`,
		}, {
			name:   "number out of range",
			before: `{"runner_id": "a", "uptime_seconds": 6, "state": "IDLE", "expiration_countdown": null}`,
			after:  `{"runner_id": "a", "uptime_seconds": 7, "state": "IDLE", "expiration_countdown": null}`,
			want:   "uptime_seconds is 5",
		}, {
			name:   "fraction for an integer",
			before: `{"runner_id": "a", "uptime_seconds": 4.5, "state": "IDLE", "expiration_countdown": null}`,
			after:  `{"runner_id": "a", "uptime_seconds": 6.5, "state": "IDLE", "expiration_countdown": null}`,
			want:   "ours 4.5, then 6.5",
		}, {
			name:   "other type",
			before: `{"runner_id": "a", "uptime_seconds": "5", "state": "IDLE", "expiration_countdown": null}`,
			after:  `{"runner_id": "a", "uptime_seconds": "5", "state": "IDLE", "expiration_countdown": null}`,
			want:   `ours "5"`,
		}, {
			name:   "missing key",
			before: `{"runner_id": "a", "uptime_seconds": 5, "state": "IDLE"}`,
			after:  `{"runner_id": "a", "uptime_seconds": 5, "state": "IDLE"}`,
			want:   "expiration_countdown is null for the official client, for ours missing",
		}, {
			name:   "other state",
			before: `{"runner_id": "a", "uptime_seconds": 5, "state": "idle", "expiration_countdown": null}`,
			after:  `{"runner_id": "a", "uptime_seconds": 5, "state": "idle", "expiration_countdown": null}`,
			want:   "state",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Disagreements(listing(t, test.before), listing(t, official), listing(t, test.after))
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("disagreements: %q", got)
			case test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)):
				t.Errorf("disagreements: %q, want one with %q", got, test.want)
			}
		})
	}

	a, b := `{"runner_id": "a"}`, `{"runner_id": "b"}`
	if got := Disagreements(listing(t, a), listing(t, a, b), listing(t, a)); len(got) != 1 {
		t.Errorf("a runner of the official client only: %q", got)
	}
	if got := Disagreements(listing(t, a, b), listing(t, a), listing(t, a, b)); len(got) != 1 {
		t.Errorf("a runner that it lacks: %q", got)
	}
	if got := Disagreements(listing(t, a), listing(t, a, b), listing(t, a, b)); len(got) != 0 {
		t.Errorf("a runner that joined meanwhile: %q", got)
	}
}
