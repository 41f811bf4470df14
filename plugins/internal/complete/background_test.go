package complete

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// waits is how long a test waits for what has to happen. It is never reached
// when all is well.
const waits = time.Minute

// The real program answers while its own process in the background still waits
// for the service: what reads its output gets to the end of it.
func TestProcessInTheBackground(t *testing.T) {
	program := filepath.Join(t.TempDir(), "fal-runners")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", program, "github.com/fal-plugins/fal/cmd/fal-runners")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := newDesk(t)
	answer := make(chan struct{})
	d.later = -time.Hour // what is kept now is old
	d.tab("runner", "")
	d.server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		<-answer
		return faltest.Reply(`{"runners": [{"runner_id": "77be", "alias": "new", "uptime": 7201}]}`)
	})
	press := func() string {
		cmd := exec.Command(program, "__complete", "--", "describe", "")
		for name, value := range d.env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		for _, name := range []string{"SystemRoot", "TEMP", "TMP"} {
			cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
		}
		begin := time.Now()
		out, err := cmd.CombinedOutput()
		t.Logf("answered after %s", time.Since(begin))
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return string(out)
	}
	calls := func() int { return len(d.server.Calls("ListRunners")) }
	for range 3 {
		if out := press(); !strings.HasPrefix(out, "4f2a\tcheckout RUNNING") {
			t.Errorf("%q", out)
		}
	}
	until(t, "the service is asked", func() bool { return calls() == 2 })
	close(answer)
	until(t, "the answer is kept", func() bool { return strings.HasPrefix(press(), "77be\tnew") })
	if n := calls(); n != 2 {
		t.Errorf("the service was asked %d times", n)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(waits); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
