package runtime

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is its own supervisor and, for those tests that kill a
// control plane, the control plane as well.
const (
	superviseArgument    = "__supervise"
	controlPlaneArgument = "__controlplane"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case superviseArgument:
			os.Exit(Supervise())
		case controlPlaneArgument:
			os.Exit(controlPlane(os.Args[2], os.Args[3], os.Args[4:]))
		}
	}
	// Under the race detector every supervisor would sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// controlPlane starts processes, prints what they print and waits to be killed.
func controlPlane(dir, count string, argv []string) int {
	rt, err := New(Options{Supervisor: []string{os.Args[0], superviseArgument}, Dir: dir})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	var n int
	if _, err := fmt.Sscan(count, &n); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	for i := range n {
		p, err := rt.Start(context.Background(), Spec{
			ID:     fmt.Sprintf("p%d", i),
			Argv:   argv,
			Env:    os.Environ(),
			Output: func(l Line) { fmt.Println(l.Text) },
		})
		if err != nil {
			fmt.Println("error:", err)
			return 1
		}
		fmt.Println("supervisor", p.supervisor.identity.PID)
		fmt.Println("process", p.PID())
	}
	select {}
}
