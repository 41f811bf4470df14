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

func TestFind(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"xx fal-version<1.2.3> yy":             "1.2.3",
		"fal-version<\x00fal-version<0.9-rc1>": "0.9-rc1",
		"fal-version<>":                        "",
		"fal-version<" + strings.Repeat("1", 65) + ">": "",
		"fal-version<1.2": "",
	} {
		if got, ok := Find([]byte(in)); got != want || ok != (want != "") {
			t.Errorf("Find(%q) = %q, %v", in, got, ok)
		}
	}
}
