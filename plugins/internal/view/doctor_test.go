package view

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func sampleChecks() []Check {
	host, hint, two, trip := "api.alpha.fal.ai:443", "chmod 600 ~/.fal/config.toml", "first\nsecond\x1b[31m", 45.2
	return []Check{
		{Check: "version", Status: CheckOK, Found: "1.2.0 in fal and 8 plugins"},
		{Check: "config", Status: CheckWarning, Found: "~/.fal/config.toml, mode 0644", Hint: &hint},
		{Check: "login", Status: CheckSkipped, Found: "nobody is logged in"},
		{Check: "tcp", Host: &host, Status: CheckOK, Found: "connected to api.alpha.fal.ai:443", RoundTrip: &trip},
		{Check: "tls", Host: &host, Status: CheckFailed, Found: "issued by \x1b]0;odd\x07\nand a second line", Hint: &two},
		{Check: "grpc", Host: &host, Status: CheckSkipped, Found: "not tried, because of tls"},
	}
}

func TestDiagnosisGolden(t *testing.T) {
	for _, format := range output.Formats() {
		if format == output.Pretty || format == output.Wide {
			continue // people get text, below
		}
		for _, terminal := range []bool{false, true} {
			name := "doctor." + string(format)
			if terminal {
				name += ".terminal"
			}
			streams, _, out, errout := iostreams.Test()
			streams.SetTerminal(terminal, terminal, terminal)
			p := output.New(streams, output.Options{Format: format, Explicit: true})
			d := NewDiagnosis(sampleChecks())
			d.Version, d.Platform, d.Host, d.KeyID = "1.2.0", "linux/amd64", "api.alpha.fal.ai", "1a2b"
			if err := d.Print(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			golden(t, name, append(out.Bytes(), errout.Bytes()...))
		}
	}
}

func TestCheckTextGolden(t *testing.T) {
	for name, text := range map[string]CheckText{
		"doctor.signs.pretty": {Width: 7},
		"doctor.words.pretty": {Width: 7, Words: true},
		"doctor.color.pretty": {Width: 7, Paint: func(s iostreams.Style, text string) string {
			return map[iostreams.Style]string{iostreams.Green: "G", iostreams.Yellow: "Y", iostreams.Red: "R", iostreams.Dim: "D", iostreams.Bold: "B"}[s] + "(" + text + ")"
		}},
	} {
		var b bytes.Buffer
		for _, c := range sampleChecks() {
			if err := text.Write(&b, c); err != nil {
				t.Fatal(err)
			}
		}
		if bytes.ContainsAny(b.Bytes(), "\x07\x1b") {
			t.Errorf("%s: a control character reached the terminal", name)
		}
		if text.Words && bytes.ContainsFunc(b.Bytes(), func(r rune) bool { return r > '~' }) {
			t.Errorf("%s: more than ASCII", name)
		}
		golden(t, name, b.Bytes())
	}
}

func TestDiagnosis(t *testing.T) {
	for _, tt := range []struct {
		statuses string
		ok       bool
		summary  string
	}{
		{"", true, ""},
		{"ok skipped", true, ""},
		{"ok warning", true, "1 warning"},
		{"failed ok warning warning", false, "1 check failed, 2 warnings"},
		{"failed failed", false, "2 checks failed"},
	} {
		checks := []Check{}
		for _, s := range strings.Fields(tt.statuses) {
			checks = append(checks, Check{Status: s})
		}
		d := NewDiagnosis(checks)
		if d.OK != tt.ok || d.Summary() != tt.summary {
			t.Errorf("%q: %v, %q", tt.statuses, d.OK, d.Summary())
		}
	}
	// The keys of the official client, with its types.
	text, err := json.Marshal(NewDiagnosis(nil))
	if err != nil {
		t.Fatal(err)
	}
	var official struct {
		Fal, Isolate, Python, Platform *string
		Host                           *string `json:"FAL_HOST"`
		Key                            *string `json:"FAL_KEY"`
	}
	if err := json.Unmarshal(text, &official); err != nil || official.Fal == nil || official.Isolate == nil || official.Python == nil || official.Platform == nil || official.Host == nil || official.Key == nil {
		t.Errorf("%s: %v", text, err)
	}
}
