package iostreams_test

import (
	"os"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func TestOutDiscarded(t *testing.T) {
	_, pipe := openPipe(t)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file := create(t)
	for name, tt := range map[string]struct {
		out  *os.File
		want bool
	}{"a pipe": {pipe, false}, "a file": {file, false}, "the null device": {null, true}} {
		if got := iostreams.FromFiles(tt.out, tt.out, tt.out).OutDiscarded(); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if s, _, _, _ := iostreams.Test(); s.OutDiscarded() {
		t.Error("a buffer")
	}
}
