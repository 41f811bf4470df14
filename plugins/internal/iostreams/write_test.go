package iostreams_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func openPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func create(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestOutIsBufferedAndErrComesInOrder(t *testing.T) {
	f := create(t)
	s := iostreams.FromFiles(f, f, f)
	content := func() string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	fmt.Fprint(s.Out, "one ")
	if got := content(); got != "" {
		t.Errorf("not buffered: %q", got)
	}
	fmt.Fprint(s.Err, "two ")
	fmt.Fprint(s.Out, "three")
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := content(); got != "one two three" {
		t.Errorf("got %q", got)
	}
}

func TestStreamsOfFilesAreNoTerminals(t *testing.T) {
	f := create(t)
	s := iostreams.FromFiles(f, f, f)
	if s.InTerminal() || s.OutTerminal() || s.ErrTerminal() || s.Width() != 0 {
		t.Errorf("terminals: %t %t %t, width %d", s.InTerminal(), s.OutTerminal(), s.ErrTerminal(), s.Width())
	}
}

func TestOutFromSeveralGoroutines(t *testing.T) {
	f := create(t)
	s := iostreams.FromFiles(f, f, f)
	line := strings.Repeat("x", 99) + "\n"
	var wg sync.WaitGroup
	for i := range 8 {
		w := s.Out
		if i%2 == 0 {
			w = s.Err
		}
		wg.Go(func() {
			for range 200 {
				io.WriteString(w, line)
			}
		})
	}
	wg.Wait()
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat(line, 8*200); string(b) != want {
		t.Errorf("%d bytes with torn lines, want %d", len(b), len(want))
	}
}

func TestClosedPipe(t *testing.T) {
	r, w := openPipe(t)
	s := iostreams.FromFiles(r, w, create(t))
	r.Close()
	fmt.Fprintln(s.Out, "nobody reads this")
	err := s.Flush()
	if !iostreams.IsClosedPipe(err) {
		t.Fatalf("not recognised: %v", err)
	}
	if _, again := io.WriteString(s.Out, "more"); !iostreams.IsClosedPipe(again) {
		t.Errorf("a later write: %v", again)
	}
	for _, other := range []error{nil, io.EOF, os.ErrClosed, errors.New("broken pipe")} {
		if iostreams.IsClosedPipe(other) {
			t.Errorf("%v taken for a closed pipe", other)
		}
	}
	if !iostreams.IsClosedPipe(fmt.Errorf("printing: %w", io.ErrClosedPipe)) {
		t.Error("a pipe inside the process is not recognised")
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		if runtime.GOOS == "linux" {
			t.Fatal(err)
		}
		return // only Linux has a device that is always full
	}
	defer full.Close()
	s := iostreams.FromFiles(full, full, create(t))
	if _, err := s.Out.Write(bytes.Repeat([]byte("x"), 200_000)); err == nil {
		t.Error("the write that overflows the buffer succeeds")
	}
	err = s.Flush()
	if err == nil || iostreams.IsClosedPipe(err) {
		t.Fatalf("got %v", err)
	}
	if want := "writing to standard output: no space left on device"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
