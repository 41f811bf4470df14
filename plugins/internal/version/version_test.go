package version

import (
	"runtime"
	"strings"
	"testing"
)

func TestGetAlwaysKnowsAVersion(t *testing.T) {
	got := Get("fal-runners")
	if got.Name != "fal-runners" || got.Version == "" || got.Go != runtime.Version() {
		t.Fatalf("Get = %+v", got)
	}
}

func TestString(t *testing.T) {
	i := Info{Name: "fal", Version: "1.2.3", Commit: "0123456789abcdef", Date: "2026-01-02T03:04:05Z", Go: "go1.26", Platform: "linux/amd64"}
	if got, want := i.String(), "fal 1.2.3 (0123456789ab, 2026-01-02T03:04:05Z, go1.26, linux/amd64)"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	if got := (Info{Name: "fal", Version: "devel", Go: "go1.26", Platform: "linux/amd64"}).String(); strings.Contains(got, ", ,") || !strings.HasPrefix(got, "fal devel (go1.26") {
		t.Errorf("String without commit = %q", got)
	}
}
