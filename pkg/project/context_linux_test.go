package project

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asAnybody runs f without the rights of root, who may read everything.
func asAnybody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nobody = 65534
	if err := unix.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// What is ignored need not be readable.
func TestContextOfUnreadableFolders(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	plant(t, dir, "a", "pgdata/x/y")
	closed := filepath.Join(dir, "pgdata")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Chmod(closed, 0o755); err != nil {
			t.Error(err)
		}
	}()
	for name, test := range map[string]struct {
		sources []source
		out     ignore
		fails   string
	}{
		"a name":              {named("."), ignoring([]string{"pgdata"}), ""},
		"a folder":            {named("."), ignoring([]string{"!x", "pgdata/"}), ""},
		"an expression":       {named("."), matching([]*regexp.Regexp{regexp.MustCompile("^pgdata/")}), ""},
		"named":               {named("a", "pgdata"), ignoring([]string{"pgdata"}), ""},
		"something in it":     {named("a", "pgdata/x/y"), ignoring([]string{"pgdata"}), ""},
		"not ignored":         {named("."), ignoring(nil), "pgdata: cannot be read: permission denied"},
		"some of it":          {named("."), ignoring([]string{"pgdata", "!pgdata/x"}), "pgdata: cannot be read"},
		"not ignored, inside": {named("a", "pgdata/x/y"), ignoring(nil), "pgdata/x/y: cannot be read: permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			asAnybody(t, func() {
				tree, err := contextFiles(dir, test.sources, test.out)
				if test.fails != "" {
					if err == nil || !strings.Contains(err.Error(), test.fails) {
						t.Errorf("%v, want one that says %q", err, test.fails)
					}
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if got := paths(t, tree); !slices.Equal(got, []string{"a"}) {
					t.Errorf("%q", got)
				}
				shut(t, tree)
			})
		})
	}
}

// endlessly names a variable that has this program start one that does not end,
// in the folder that is its value.
const endlessly = "FAL_PROJECT_TEST_STARTS"

// A program that was started ends with the one that started it.
func TestCommandsEndWithTheirParent(t *testing.T) {
	if dir := os.Getenv(endlessly); dir != "" {
		cmd := groupCommand(t.Context(), dir, []string{"sleep", "600"})
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Println(cmd.Process.Pid)
		_ = cmd.Wait()
		return
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), own, "-test.run", "^TestCommandsEndWithTheirParent$")
	cmd.Env = append(os.Environ(), endlessly+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	pid := strings.TrimSpace(line)
	for deadline := time.Now().Add(time.Minute); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %s lives on", pid)
		}
	}
}
