package view

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
)

// The files of a plan are all that would go up, and what they have adds up.
func TestPlannedFiles(t *testing.T) {
	file := fal.PlannedFile{Path: "a", Hash: "aa", Size: 10}
	gone := fal.PlannedFile{Path: "b", Hash: "bb", Size: 20, Missing: true}
	source := fal.PlannedFile{Path: "lib-1.tar.gz", Hash: "cc", Size: 357, Missing: true, Source: true}
	for _, tt := range []struct {
		files []fal.PlannedFile
		want  string
		line  string
	}{
		{nil, "none", ""},
		{[]fal.PlannedFile{file}, "1 file, all there already", "    a  10 B"},
		{[]fal.PlannedFile{source}, "1 of 1 file to upload, 357 B", "  + lib-1.tar.gz  357 B, packed from a requirement"},
		{[]fal.PlannedFile{file, gone, source}, "2 of 3 files to upload, 377 B", "  + b  20 B"},
		{[]fal.PlannedFile{{Path: "empty", Missing: true}}, "1 of 1 file to upload, 0 B", "  + empty  0 B"},
	} {
		p := &fal.DeployPlan{Files: tt.files, Phases: []fal.PhaseDuration{{Phase: fal.DeployHash, Duration: 2 * time.Second}}}
		for _, f := range tt.files {
			if f.Missing {
				p.Bytes += f.Size
			}
		}
		v := NewPlannedDeployment(p, fal.App{Name: "a"}, "", false, time.Second)
		if got := v.Plan.filesText(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.files, got, tt.want)
		}
		if lines := strings.Join(v.PlanLines(), "\n"); !strings.Contains(lines, tt.line) {
			t.Errorf("no %q in\n%s", tt.line, lines)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if want := `"phases":[{"phase":"load","seconds":1},{"phase":"hash","seconds":2}]`; !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
		if len(tt.files) == 3 && !strings.Contains(string(text), `{"path":"lib-1.tar.gz","hash":"cc","size":357,"missing":true,"source":true}`) {
			t.Errorf("no source in %s", text)
		}
	}
}
