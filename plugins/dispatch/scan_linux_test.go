package dispatch_test

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fal-plugins/fal/plugins/dispatch"
)

// TestRunningOpensNoFolder asks the kernel which folders are opened.
func TestRunningOpensNoFolder(t *testing.T) {
	root := realTempDir(t)
	for _, file := range []string{"a/fal-other", "b/fal-x", "b/fal", "own/fal"} {
		write(t, filepath.Join(root, file), "")
	}
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(watch) }()
	for _, folder := range []string{"a", "b", "own"} {
		if _, err := unix.InotifyAddWatch(watch, filepath.Join(root, folder), unix.IN_OPEN); err != nil {
			t.Fatal(err)
		}
	}
	opened := func() bool {
		t.Helper()
		events := make([]byte, 4096)
		read, err := unix.Read(watch, events)
		if err != nil && err != unix.EAGAIN {
			t.Fatal(err)
		}
		for events = events[:max(read, 0)]; len(events) >= unix.SizeofInotifyEvent; {
			mask, name := binary.NativeEndian.Uint32(events[4:]), binary.NativeEndian.Uint32(events[12:])
			if mask&unix.IN_ISDIR != 0 {
				return true
			}
			events = events[unix.SizeofInotifyEvent+name:]
		}
		return false
	}
	d := dispatcher(t, root, "a", "b")
	for _, typed := range []string{"x list", "run x.py", "help", "--version", "x my-tool 1 2 3"} {
		if _, err := d.Resolve(t.Context(), strings.Fields(typed)); err != nil {
			t.Fatal(err)
		}
		d.Shadowed()
		if opened() {
			t.Errorf("`fal %s` opens a folder", typed)
		}
	}
	if _, err := d.Lookup([]string{"nowhere"}); err == nil || opened() {
		t.Errorf("a lookup that finds nothing opens a folder, or found something: %v", err)
	}
	if _, err := dispatch.New(environment(t, root, "a", "b"), nil).List(t.Context()); err != nil || !opened() {
		t.Errorf("the kernel does not say that a list reads folders: %v", err)
	}
}
