package apps

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// Every flag reaches the wire, zero too, and nothing else does.
func TestScaleRequest(t *testing.T) {
	for argv, want := range map[string]string{
		"--keep-alive 0":                `"keep_alive":0`,
		"--keep-alive 300":              `"keep_alive":300`,
		"--keep-alive 5m":               `"keep_alive":300`,
		"--keep-alive 1d":               `"keep_alive":86400`,
		"--keep-alive 1 --keep-alive 2": `"keep_alive":2`,
		"--max-multiplexing 2":          `"max_multiplexing":2`,
		"--max-concurrency 3":           `"max_concurrency":3`,
		"--min-concurrency 0":           `"min_concurrency":0`,
		"--concurrency-buffer 1":        `"concurrency_buffer":1`,
		"--concurrency-buffer-perc 5":   `"concurrency_buffer_perc":5`,
		"--scaling-delay 6s":            `"scaling_delay_seconds":6`,
		"--request-timeout 1h":          `"request_timeout":3600`,
		"--startup-timeout 8":           `"startup_timeout":8`,
		"--machine-types A B":           `"machine_types":["A","B"]`,
		"--machine-types A --machine-types B --regions us-east EU-West": `"machine_types":["A","B"],"valid_regions":["us-east","eu-west"]`,
		"--env main --keep-alive 1":                                     `"environment_name":"main","keep_alive":1`,
	} {
		tm := newTerm(t)
		if r := tm.Run(append([]string{"scale", "checkout"}, strings.Fields(argv)...)...); r.Code != 0 {
			t.Errorf("%s: %+v", argv, r)
		}
		if got := tm.Requests("UpdateApplication"); !slices.Equal(got, []string{`UpdateApplication {"application_name":"checkout",` + want + `}`}) {
			t.Errorf("%s: requests %q, want %q", argv, got, want)
		}
	}
	tm := newTerm(t)
	tm.Want(tm.Run("scale", "checkout--staging", "--keep-alive", "7"), 0, "scaled checkout in staging\n  keep_alive  10s → 7s\n", "")
	if got := tm.Requests("UpdateApplication"); !slices.Equal(got, []string{`UpdateApplication {"application_name":"checkout--staging","environment_name":"staging","keep_alive":7}`}) {
		t.Errorf("requests %q", got)
	}
}

func TestScaleText(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("scale", "search", "--min-concurrency", "1", "--max-concurrency=2", "--keep-alive", "5m", "--machine-types", "M", "--regions", "us-east", "--startup-timeout", "90"), 0, ""+
		"scaled search\n"+
		"  machine_types    XS S → M\n"+
		"  valid_regions    any → us-east\n"+
		"  min_concurrency  0 → 1\n"+
		"  max_concurrency  2, as before\n"+
		"  keep_alive       10s → 5m\n"+
		"  startup_timeout  0s → 1m30s\n",
		"note: the next deploy takes machine_types, startup_timeout from the code again\n")
	// What is as it was is not reset either.
	tm.Want(tm.Run("scale", "search", "--machine-types", "M"), 0, "scaled search\n  machine_types  M, as before\n", "")
}

func TestScaleJSON(t *testing.T) {
	tm := newTerm(t)
	r := tm.Run("scale", "search", "--min-concurrency", "1", "--machine-types", "M", "--json")
	tm.Want(r, 0, `{"apps":[{"alias":"search","name":"search","environment_name":"","result":"done","error":null,`+
		`"changes":[{"setting":"machine_types","before":["XS","S"],"after":["M"]},{"setting":"min_concurrency","before":0,"after":1}],"reset_by_deploy":["machine_types"]}]}`+"\n", "")
	tm.Want(tm.Run("scale", "search", "--min-concurrency", "0", "--jq", ".apps[].changes[].after"), 0, "0\n", "")
	tm.Want(tm.Run("scale", "search", "--min-concurrency", "1", "-o", "tsv"), 0, "app\tresult\tchanges\terror\nsearch\tdone\tmin_concurrency 0 → 1\t\n", "")
}

func TestScaleDryRun(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("scale", "checkout", "search", "--max-concurrency", "9", "--dry-run"), 0, ""+
		"would scale checkout\n  max_concurrency  8 → 9\n"+
		"would scale search\n  max_concurrency  2 → 9\n", "note: the service was not asked whether it takes these values\n")
	if got := tm.Requests(); !slices.Equal(got, []string{"ListAliases {}"}) {
		t.Errorf("requests %q", got)
	}
	if r := tm.Run("scale", "search", "--keep-alive", "1", "--dry-run", "--json"); !strings.Contains(r.Out, `"result":"would"`) {
		t.Errorf("%+v", r)
	}
}

// Nothing is changed when one of the apps is not there, or cannot be set so.
func TestScaleLooksFirst(t *testing.T) {
	for argv, want := range map[string]struct {
		code int
		err  string
	}{
		"scale checkout serch --keep-alive 1":             {3, "app serch not found\nhint: did you mean search?\n"},
		"scale nonesuch serch --keep-alive 1":             {3, "error: nothing was changed:\n  app nonesuch not found\n  app serch not found\nhint: `fal-apps list` shows those that are there\nhint: did you mean search?\n"},
		"scale checkout search --min-concurrency 3":       {2, "min_concurrency of search would be 3, above its max_concurrency 2\nhint: raise both: --min-concurrency 3 --max-concurrency 3\n"},
		"scale search checkout --max-concurrency 0":       {2, `invalid value "0" for --max-concurrency: want 1 to 2147483647`},
		"scale search --max-multiplexing 0 --dry-run":     {2, `invalid value "0" for --max-multiplexing: want 1 to 2147483647`},
		"scale search --regions mars":                     {2, `unknown value "mars" for --regions` + "\nhint: --regions takes us-west, us-central, us-east, eu-north, eu-west\n"},
		"scale search --regions us-easy":                  {2, `unknown value "us-easy" for --regions` + "\nhint: did you mean us-east?\n"},
		"scale search --min-concurrency -1":               {2, `invalid value "-1" for --min-concurrency: want 0 to 2147483647` + "\n"},
		"scale --machine-types XS search --keep-alive 10": {2, "APP is missing\nhint: --machine-types took XS search: write APP before it, or end its words with another flag\n"},
		"scale search --machine-types M,L":                {2, "--machine-types: want the words apart: M L"},
		"scale checkout --env nowhere --keep-alive 1":     {3, "app checkout not found in environment nowhere"},
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(argv)...), want.code, "", want.err)
		if got := tm.Requests("UpdateApplication"); len(got) > 0 {
			t.Errorf("%s: requests %q", argv, got)
		}
	}
}

func TestScaleFailsInPart(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Handle("UpdateApplication", func(c faltest.Call) faltest.Answer {
		var request struct {
			Name string `json:"application_name"`
		}
		if err := json.Unmarshal(c.Request, &request); err != nil || request.Name == "checkout" {
			return faltest.Fail(fal.CodeInvalidArgument, "too much for checkout")
		}
		return faltest.Reply(`{"alias_info": {"alias": "search", "max_concurrency": 9, "machine_types": ["XS", "S"], "max_multiplexing": 1, "keep_alive": 10}}`)
	})
	tm.Want(tm.Run("scale", "checkout", "search", "checkout", "--max-concurrency", "9"), 1,
		"scaled search\n  max_concurrency  2 → 9\n", "1 of 2 apps not scaled\n  checkout: too much for checkout\n")
	tm.Want(tm.Run("scale", "checkout", "--max-concurrency", "9"), 2, "", "error: too much for checkout\n")
	r := tm.Run("scale", "checkout", "search", "--max-concurrency", "9", "--json")
	if r.Code != 1 || !strings.Contains(r.Out, `"result":"failed","error":"too much for checkout","changes":[]`) {
		t.Errorf("%+v", r)
	}
}

// What was changed before Ctrl-C is said.
func TestScaleInterrupted(t *testing.T) {
	tm := newTerm(t)
	ctx, cancel := context.WithCancel(t.Context())
	tm.Server.Handle("UpdateApplication", func(c faltest.Call) faltest.Answer {
		if strings.Contains(string(c.Request), "search") {
			return faltest.Reply(`{"alias_info": {"alias": "search", "max_concurrency": 9, "machine_types": ["XS", "S"], "max_multiplexing": 1, "keep_alive": 10}}`)
		}
		for len(tm.Server.Calls("UpdateApplication")) < 2 {
			time.Sleep(time.Millisecond) // the other one is on its way
		}
		time.AfterFunc(500*time.Millisecond, cancel)
		return faltest.Hang()
	})
	r := tm.RunContext(ctx, "scale", "checkout", "search", "--max-concurrency", "9")
	if r.Code != 130 || r.Out != "scaled search\n  max_concurrency  2 → 9\n" {
		t.Errorf("%+v", r)
	}
}
