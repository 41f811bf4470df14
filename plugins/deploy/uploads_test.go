package deploy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cache"
)

// partsOf are the parts of a file that went up.
func partsOf(hash string, calls []faltest.Call) (numbers []string) {
	for _, c := range calls {
		if path := strings.Split(c.Method, "/"); path[0] == "PUT " && slices.Contains(path, hash) {
			numbers = append(numbers, path[len(path)-1])
		}
	}
	slices.Sort(numbers)
	return numbers
}

// A file whose upload was interrupted goes on where it was when it is deployed
// again, to the same account at the same place.
func TestInterruptedUploadGoesOn(t *testing.T) {
	tm := newTerm(t)
	tm.service = nil
	uploads := tm.server.ServeUploads()
	tm.server.SetBuild(faltest.Build{})
	tm.server.SetRegister(faltest.Registration{Revision: revNew})
	tm.env[cache.Variable] = t.TempDir()
	tm.write("data/a", strings.Repeat("0123456789abcdef", 3<<16)+strings.Repeat("x", 18<<20)) // three parts
	kept := func() []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(tm.env[cache.Variable], "*", "*-"+keptUpload+"-*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}

	ctx, cancel := context.WithCancel(t.Context())
	var others atomic.Int32
	uploads.Handler(func(r *http.Request) http.HandlerFunc {
		if r.Method != http.MethodPut || strings.HasSuffix(r.URL.Path, "/1") {
			return nil
		}
		return func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if others.Add(1) == 2 {
				for len(kept()) == 0 && r.Context().Err() == nil {
					time.Sleep(time.Millisecond)
				}
				cancel()
			}
			<-r.Context().Done() // the client is gone
		}
	})
	if r := tm.runContext(ctx, "search"); r.code != 130 || !strings.Contains(r.err, "interrupted: nothing was deployed") {
		t.Fatalf("%+v", r)
	}
	files := kept()
	if len(files) != 1 || uploads.Canceled() != 0 {
		t.Fatalf("kept %v, %d uploads taken back", files, uploads.Canceled())
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || bytes.Contains(text, []byte("testsecret")) {
		t.Errorf("%s, %v", text, err)
	}
	uploads.Handler(nil)

	since := len(tm.server.Calls())
	if r := tm.run("search"); r.code != 0 || !strings.Contains(r.err, "uploaded the files, ") {
		t.Errorf("%+v", r)
	}
	for hash, content := range uploads.Files() {
		if got := partsOf(hash, tm.server.Calls()[since:]); len(content) > 1 && !slices.Equal(got, []string{"2", "3"}) {
			t.Errorf("the parts %v went up", got)
		}
	}
	if files := kept(); len(files) != 0 {
		t.Errorf("kept behind the end: %v", files)
	}
}

// What is kept of an upload is for its account and its place alone.
func TestKeptUploads(t *testing.T) {
	dir := t.TempDir()
	getenv := func(name string) string { return map[string]string{cache.Variable: dir}[name] }
	of := func(account, place string) fal.UploadMemory {
		return &keptUploads{cache: cache.Open(getenv, "https://rest", account), place: place}
	}
	mine := of("a", "x")
	if err := mine.Keep("key", []byte("1")); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]fal.UploadMemory{"account": of("b", "x"), "place": of("a", "y")} {
		if got := m.Recall("key"); got != nil {
			t.Errorf("another %s has %q", name, got)
		}
	}
	if got := mine.Recall("key"); string(got) != "1" || mine.Recall("other") != nil {
		t.Errorf("%q", got)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*-"+keptUpload+"-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	old := time.Now().Add(-uploadAge - time.Hour)
	if err := os.Chtimes(files[0], old, old); err != nil {
		t.Fatal(err)
	}
	if got := mine.Recall("other"); got != nil {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(files[0]); !os.IsNotExist(err) {
		t.Errorf("an old one stays: %v", err)
	}
	mine.Forget("key")
}
