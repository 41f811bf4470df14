//go:build !windows

package iostreams_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

const writerVariable = "IOSTREAMS_TEST_WRITER"

// TestHeadEndsTheProcessInSilence closes stdout after the first line, as
// | head -1 does: the process dies of SIGPIPE (141 in a shell) and says nothing.
func TestHeadEndsTheProcessInSilence(t *testing.T) {
	if os.Getenv(writerVariable) != "" {
		s := iostreams.System()
		for i := 0; ; i++ {
			if _, err := fmt.Fprintln(s.Out, "line", i); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, w := openPipe(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestHeadEndsTheProcessInSilence$")
	cmd.Env = append(os.Environ(), writerVariable+"=1")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || line != "line 0\n" {
		t.Errorf("read %q, %v", line, err)
	}
	r.Close()
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ends well")
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
		t.Errorf("%v, stderr %q", cmd.ProcessState, &stderr)
	}
}
