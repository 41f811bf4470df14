package fal_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestGPUs(t *testing.T) {
	tests := []struct {
		name, body string
		want       fal.GPUUsage
		err        error
	}{
		{"as documented", `{"summary":{"total_gpu_by_type":{"GPU-H100":3,"XS":1}},"apps":{"me/a":{"gpu_count_by_type":{"GPU-H100":3}},"me/b":{}}}`,
			fal.GPUUsage{ByType: map[string]int{"GPU-H100": 3, "XS": 1}, ByApp: map[string]map[string]int{"me/a": {"GPU-H100": 3}, "me/b": nil}}, nil},
		{"more than is known", `{"summary":{"total_gpu_by_type":{"a":2,"b":null,"c":0},"x":[1]},"apps":null,"y":{}}`,
			fal.GPUUsage{ByType: map[string]int{"a": 2, "b": 0, "c": 0}, ByApp: map[string]map[string]int{}}, nil},
		{"nothing", `{}`, fal.GPUUsage{ByApp: map[string]map[string]int{}}, nil},
		{"half a GPU", `{"summary":{"total_gpu_by_type":{"a":0.5}}}`, fal.GPUUsage{}, fal.ErrUnavailable},
		{"a word", `{"summary":{"total_gpu_by_type":{"a":"many"}}}`, fal.GPUUsage{}, fal.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := faltest.New(t)
			server.HandleREST("GET /applications/metrics", answer(200, tt.body))
			got, err := restClient(t, server).Runners.GPUs(t.Context())
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the official client sends: the path, the key, no query and no body.
func TestGPUsRequest(t *testing.T) {
	server := faltest.New(t)
	server.HandleREST("GET /applications/metrics", answer(200, `{}`))
	if _, err := restClient(t, server).Runners.GPUs(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := server.Calls()
	if len(calls) != 1 || calls[0].Method != "GET /applications/metrics" || calls[0].Get("authorization") != "Key testid:testsecret" ||
		len(calls[0].Query) != 0 || len(calls[0].Body) != 0 {
		t.Errorf("%+v", calls)
	}
}
