package config_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
)

// Environment variables that make the test binary a helper process.
const (
	writerPath = "CONFIG_TEST_WRITER_PATH"
	writerName = "CONFIG_TEST_WRITER_NAME"
	editPath   = "CONFIG_TEST_EDIT_PATH"
)

const updatesOfEach = 20

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(writerPath) != "":
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // all start together
		if err := addKeys(os.Getenv(writerPath), os.Getenv(writerName)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case os.Getenv(editPath) != "":
		err := config.Update(os.Getenv(editPath), func(f *config.File) error { return f.Set("dev", "key", "id:TOPSECRET") })
		var e *config.Error
		if errors.As(err, &e) {
			fmt.Printf("%s\n%s\n", e.Code, e.Message)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// addKeys makes one update for each of many keys, and moves a counter that all
// writers share.
func addKeys(path, writer string) error {
	for i := range updatesOfEach {
		err := config.Update(path, func(f *config.File) error {
			total, _ := f.Get("shared", "count")
			if err := f.Set("shared", "count", total+"x"); err != nil {
				return err
			}
			return f.Set(writer, fmt.Sprintf("key%d", i), "a:b")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	const goroutines, processes = 4, 3
	path := filepath.Join(t.TempDir(), "new", "config.toml")

	var wg sync.WaitGroup
	var starters []io.Closer
	for p := range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerPath+"="+path, fmt.Sprintf("%s=process%d", writerName, p))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		starters = append(starters, in)
		wg.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, s := range starters {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	for g := range goroutines {
		wg.Go(func() {
			if err := addKeys(path, fmt.Sprintf("goroutine%d", g)); err != nil {
				t.Error(err)
			}
		})
	}
	// Readers never see half a file.
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := config.Open(path); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	close(done)
	reader.Wait()

	f, err := config.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Profiles()); n != goroutines+processes+1 {
		t.Errorf("%d profiles", n)
	}
	for _, p := range f.Profiles() {
		if p.Name != "shared" && len(p.Keys) != updatesOfEach {
			t.Errorf("%s has %d keys", p.Name, len(p.Keys))
		}
	}
	if count, _ := f.Get("shared", "count"); len(count) != (goroutines+processes)*updatesOfEach {
		t.Errorf("%d updates counted", len(count))
	}
}

func TestLockedByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	err := config.Update(path, func(f *config.File) error {
		e := asError(t, config.UpdateWithin(path, time.Millisecond, func(*config.File) error {
			t.Error("two edits at the same time")
			return nil
		}), config.Busy)
		if !strings.Contains(e.Error(), path) {
			t.Error(e)
		}
		return f.CreateProfile("a")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "[a]\n" {
		t.Errorf("got %q", got)
	}
}

func TestSaveRefusesAChangedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	f, err := config.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Set("a", "key", "x:y"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "[other]\n")
	asError(t, f.Save(), config.Conflict)
	if got := read(t, path); got != "[other]\n" {
		t.Errorf("the file was changed to %q", got)
	}
}

func TestSaveTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	f, err := config.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"a:1", "a:2"} {
		if err := f.Set("a", "key", value); err != nil {
			t.Fatal(err)
		}
		if err := f.Save(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := read(t, path), "[a]\nkey = \"a:2\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNothingToSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	write(t, path, handWritten)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Update(path, func(f *config.File) error { return f.Set("dev", "key", "id:old") }); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("the file was replaced")
	}
	stop := errors.New("stop")
	err = config.Update(path, func(f *config.File) error { return errors.Join(f.DeleteProfile("dev"), stop) })
	if !errors.Is(err, stop) || read(t, path) != handWritten {
		t.Errorf("%v, %q", err, read(t, path))
	}
}

func TestNotARegularFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	asError(t, config.Update(path, func(f *config.File) error { return f.CreateProfile("a") }), config.Unreadable)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	asError(t, config.Update(filepath.Join(file, "config.toml"), func(f *config.File) error { return f.CreateProfile("a") }), config.Unwritable)
}
