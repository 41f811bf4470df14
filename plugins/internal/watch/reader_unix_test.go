//go:build unix

package watch

import (
	"os"
	"testing"
)

func TestDeserted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if deserted(w) {
		t.Error("it has a reader")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !deserted(w) {
		t.Error("it has no reader")
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if deserted(file) {
		t.Error("a file needs no reader")
	}
}
