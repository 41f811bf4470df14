package fal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestEvents(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }
	tests := []struct {
		name, items string
		want        []fal.RunnerEvent
	}{
		{"newest first, as the control plane sends them", `
			{"timestamp":"2026-01-02T03:04:07.000000+00:00","level":"ERROR","message":"x","source":"lifecycle","labels":{"event":"state","state":"FAILURE_DELAY","reason":"exited with code 3"}},
			{"timestamp":"2026-01-02T03:04:06.000000+00:00","level":"INFO","message":"x","source":"lifecycle","labels":{"event":"note","state":"SETUP","reason":"slow"}},
			{"timestamp":"2026-01-02T03:04:05.000000+00:00","level":"INFO","message":"x","source":"lifecycle","labels":{"event":"state","state":"Bewildered","reason":""}}`,
			[]fal.RunnerEvent{{at(5), "BEWILDERED", true, ""}, {at(6), "SETUP", false, "slow"}, {at(7), "CRASH_BACKOFF", true, "exited with code 3"}}},
		{"other lines", `
			{"timestamp":"2026-01-02T03:04:05Z","level":"STDOUT","message":"x","source":"stdout","labels":{"event":"state","state":"IDLE"}},
			{"timestamp":"2026-01-02T03:04:05Z","level":"INFO","message":"x","source":"lifecycle","labels":{"event":"dropped","lines":"4"}},
			{"timestamp":"2026-01-02T03:04:05Z","level":"INFO","message":"x","source":"lifecycle"},
			{"timestamp":"2026-01-02T03:04:05Z","level":"INFO","message":"x","source":7,"labels":["event"]},
			{"timestamp":"2026-01-02T03:04:05Z","level":"INFO","message":"x"}`, nil},
		{"none", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := faltest.New(t)
			server.HandleREST("POST /logs/history", answer(200, `{"items":[`+tt.items+`],"next_until":"2026-01-02T03:04:05+00:00"}`))
			got, err := restClient(t, server).Runners.Events(t.Context(), "4f2a")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			calls := server.Calls()
			if q := calls[0].Query; len(calls) != 1 || q.Get("job_id") != "4f2a" || q.Get("source") != "lifecycle" || q.Get("page_size") != "1000" {
				t.Errorf("%+v", calls)
			}
		})
	}
}

func TestEventsFail(t *testing.T) {
	server := faltest.New(t)
	client := restClient(t, server)
	if _, err := client.Runners.Events(t.Context(), "4f2a"); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := client.Runners.Events(t.Context(), ""); !errors.Is(err, fal.ErrInvalidArgument) {
		t.Errorf("%v", err)
	}
}
