package controlplane

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/sample"
)

// TestMain makes this test program what the control plane executes: a
// supervisor, the sample app, a control plane to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "__supervise":
			os.Exit(runtime.Supervise())
		case "__sample":
			os.Exit(sample.Main(context.Background(), os.Environ()))
		case "__app":
			os.Exit(testApp(os.Args[2:]))
		case "__controlplane":
			os.Exit(doomedControlPlane(os.Args[2]))
		case "__killed":
			os.Exit(killedControlPlane(os.Args[2]))
		}
	}
	// Under the race detector every supervisor would sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
