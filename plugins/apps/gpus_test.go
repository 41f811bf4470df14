package apps

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestGPUs(t *testing.T) {
	const body = `{"summary": {"total_gpu_by_type": {"GPU-H100": 9}}, "apps": {
		"mine/checkout": {"gpu_count_by_type": {"GPU-H100": 2, "GPU-L40S": 3, "XS": 7}},
		"mine/checkout--staging": {"gpu_count_by_type": {"GPU-B200": 1}},
		"mine/shared": {"gpu_count_by_type": {"GPU-B200": 1}}, "ours/shared": {"gpu_count_by_type": {"GPU-H100": 4}}}}`
	tests := []struct {
		name     string
		argv     []string
		tty      bool
		code     int
		out, err string
	}{
		{"in a pipe", []string{"gpus", "checkout"}, false, 0, "{\"gpus\":{\"L40\":3,\"H100\":2},\"total\":5}\n", ""},
		{"on a terminal", []string{"gpus", "checkout"}, true, 0, "TYPE  COUNT\nL40       3\nH100      2\n", "5 GPUs in use\n"},
		{"csv", []string{"gpus", "checkout", "-o", "csv"}, false, 0, "type,count\nL40,3\nH100,2\n", ""},
		{"jq", []string{"gpus", "checkout", "--jq", ".total"}, false, 0, "5\n", ""},
		{"in an environment", []string{"gpus", "checkout", "--env", "staging"}, false, 0, "{\"gpus\":{\"B200\":1},\"total\":1}\n", ""},
		{"an app of which nothing is told", []string{"gpus", "search"}, false, 0, "{\"gpus\":{},\"total\":0}\n", ""},
		{"nothing on a terminal", []string{"gpus", "search"}, true, 0, "", "no GPUs in use\n"},
		{"one of two", []string{"gpus", "ours/shared"}, false, 0, "{\"gpus\":{\"H100\":4},\"total\":4}\n", ""},
		{"either of two", []string{"gpus", "shared"}, false, 2, "", "shared may be mine/shared or ours/shared"},
		{"an app that is not there", []string{"gpus", "serch"}, false, 3, "", "app serch not found\nhint: did you mean search?\n"},
		{"of an owner", []string{"gpus", "mine/search"}, false, 0, "{\"gpus\":{},\"total\":0}\n", ""},
		{"in no such environment", []string{"gpus", "search", "--env", "staging"}, false, 3, "", "app search not found in environment staging\n"},
		{"no app", []string{"gpus"}, false, 2, "", "APP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY = tt.tty
			tm.Server.HandleREST("GET /applications/metrics", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, body)
			})
			tm.Want(tm.Run(tt.argv...), tt.code, tt.out, tt.err)
			if known := strings.Contains(tt.out, "H100") || strings.Contains(tt.out, "B200"); known && len(tm.Requests("ListAliases")) > 0 {
				t.Error("the apps were asked for")
			}
		})
	}
}
