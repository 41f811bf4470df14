//go:build linux || darwin

package runtime

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkStart is from the call of Start to the end of a process that does
// nothing.
func BenchmarkStart(b *testing.B) {
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	rt, err := New(Options{Supervisor: []string{program, superviseArgument}, Dir: filepath.Join(b.TempDir(), "processes")})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := rt.Start(b.Context(), Spec{Argv: []string{"true"}, Env: []string{path()}})
		if err != nil {
			b.Fatal(err)
		}
		if exit := p.Exit(); exit != (ExitStatus{}) {
			b.Fatalf("got %+v", exit)
		}
	}
	if err := rt.Close(); err != nil {
		b.Fatal(err)
	}
}
