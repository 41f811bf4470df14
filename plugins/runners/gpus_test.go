package runners

import "testing"

func TestGPUs(t *testing.T) {
	const body = `{"summary": {"total_gpu_by_type": {"GPU-H100": 2, "GPU-L40S": 3, "XS": 7, "GPU-B200": 0}}, "apps": {}}`
	tests := []struct {
		name, body string
		argv       []string
		tty        bool
		out, err   string
	}{
		{"in a pipe", body, nil, false, "{\"gpus\":{\"L40\":3,\"H100\":2},\"total\":5}\n", ""},
		{"on a terminal", body, nil, true, "TYPE  COUNT\nL40       3\nH100      2\n", "5 GPUs in use\n"},
		{"JSON on a terminal", body, []string{"--json"}, true, "{\n  \"gpus\": {\n    \"L40\": 3,\n    \"H100\": 2\n  },\n  \"total\": 5\n}\n", ""},
		{"lines", body, []string{"-o", "jsonl"}, false, "{\"gpus\":{\"L40\":3,\"H100\":2},\"total\":5}\n", ""},
		{"yaml", body, []string{"-o", "yaml"}, false, "gpus:\n  L40: 3\n  H100: 2\ntotal: 5\n", ""},
		{"csv", body, []string{"-o", "csv"}, false, "type,count\nL40,3\nH100,2\n", ""},
		{"jq", body, []string{"--jq", ".gpus.H100, .total"}, false, "2\n5\n", ""},
		{"none", `{}`, nil, false, "{\"gpus\":{},\"total\":0}\n", ""},
		{"none on a terminal", `{}`, nil, true, "", "no GPUs in use\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.TTY = tt.tty
			tm.Server.HandleREST("GET /applications/metrics", jsonAnswer(tt.body))
			r := tm.Run(append([]string{"gpus"}, tt.argv...)...)
			tm.Want(r, 0, tt.out, tt.err)
		})
	}
}

// What the official client sends.
func TestGPUsRequest(t *testing.T) {
	tm := newTerm(t)
	tm.Server.HandleREST("GET /applications/metrics", jsonAnswer(`{}`))
	tm.Run("gpus")
	calls := tm.Server.Calls()
	if len(calls) != 1 || calls[0].Method != "GET /applications/metrics" || calls[0].Get("authorization") != "Key testid:testsecret" || len(calls[0].Query)+len(calls[0].Body) > 0 {
		t.Errorf("%+v", calls)
	}
}

func TestGPUsFails(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("gpus"), 3, "", "Not Found")
	if calls := tm.Server.Calls(); len(calls) != 1 {
		t.Errorf("%+v", calls)
	}
	tm.Server.Close()
	tm.Want(tm.Run("gpus"), 6, "", "connection refused")
}
