package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestPackageVersion(t *testing.T) {
	for in, want := range map[string]string{
		"1.2.3":                             "1.2.3",
		"1.2.3-dirty":                       "1.2.3+dirty",
		"1.2.3-rc.1":                        "1.2.3~rc.1",
		"1.2.3-rc-1":                        "1.2.3~rc.1",
		"1.2.3-4-g3df6cdd":                  "1.2.3+4.g3df6cdd",
		"1.2.3-rc.1-4-g3df6cdd-dirty":       "1.2.3~rc.1+4.g3df6cdd+dirty",
		"1.2.3+build.7":                     "1.2.3+build.7",
		"0.0.0-20261122003505-3df6cdddb1dc": "0.0.0~git20261122003505.3df6cdddb1dc",
		"0.0.0-20261122003505-3df6cdddb1dc+dirty": "0.0.0~git20261122003505.3df6cdddb1dc+dirty",
		"":           "",
		"v1.2.3":     "",
		"devel":      "",
		"1.2.3 x":    "",
		"1.2.3rc1":   "",
		"1.2.3-rc'":  "",
		"1.2.3-$(x)": "",
	} {
		got, err := packageVersion(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("packageVersion(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

// inOrder are versions from the oldest to the newest.
func inOrder() []string {
	return []string{
		"0.0.0-20261121003505-3df6cdddb1dc",
		"0.0.0-20261122003505-0df6cdddb1dc",
		"0.0.0-20261122003506-3df6cdddb1dc",
		"0.1.0-rc.1",
		"0.1.0-rc.1-3-gabcdef0",
		"0.1.0-rc.2",
		"0.1.0",
		"0.1.0-4-gabcdef0",
		"0.1.0-10-g0bcdef0",
		"0.1.1",
		"0.10.0",
	}
}

func TestPackageVersionsSort(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("dpkg is not installed")
	}
	previous := ""
	for _, v := range inOrder() {
		written, err := packageVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		if previous != "" {
			if out, err := exec.Command(dpkg, "--compare-versions", previous, "lt", written).CombinedOutput(); err != nil {
				t.Errorf("%s does not come before %s: %v %s", previous, written, err, out)
			}
		}
		previous = written
	}
}

func TestUntagged(t *testing.T) {
	when := time.Date(2026, 11, 22, 1, 35, 5, 0, time.FixedZone("", 3600))
	got, err := untagged(t.Context(), t.TempDir(), "3df6cdddb1dc0000000000000000000000000000", when)
	if want := "0.0.0-20261122003505-3df6cdddb1dc"; got != want || err != nil {
		t.Errorf("untagged = %q, %v, want %q", got, err, want)
	}
	if _, err := untagged(t.Context(), t.TempDir(), "", when); err == nil || !strings.Contains(err.Error(), "VERSION=") {
		t.Errorf("without a commit: %v", err)
	}
}

func TestUntaggedSaysThatFilesWereChanged(t *testing.T) {
	tree := t.TempDir()
	put(t, tree, "a", "1")
	for _, args := range [][]string{{"init", "-q"}, {"add", "a"}, {"-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = tree
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	const commit = "3df6cdddb1dc0000000000000000000000000000"
	put(t, tree, "untracked", "1")
	if got, err := untagged(t.Context(), tree, commit, time.Now()); err != nil || strings.HasSuffix(got, "+dirty") {
		t.Errorf("unchanged: %q, %v", got, err)
	}
	put(t, tree, "a", "2")
	if got, err := untagged(t.Context(), tree, commit, time.Now()); err != nil || !strings.HasSuffix(got, "+dirty") {
		t.Errorf("changed: %q, %v", got, err)
	}
}

func TestTimestamp(t *testing.T) {
	for _, tt := range []struct {
		epoch, date, want string
	}{
		{"", "2026-11-22T01:35:05+01:00", "2026-11-22T00:35:05Z"},
		{"0", "2026-11-22T01:35:05+01:00", "1970-01-01T00:00:00Z"},
		{"1700000000", "", "2023-11-14T22:13:20Z"},
		{"", "", ""},
		{"soon", "", ""},
		{"-1", "", ""},
		{"", "yesterday", ""},
	} {
		got, err := timestamp(tt.epoch, tt.date)
		if tt.want == "" {
			if err == nil {
				t.Errorf("timestamp(%q, %q) = %v", tt.epoch, tt.date, got)
			}
		} else if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("timestamp(%q, %q) = %v, %v, want %s", tt.epoch, tt.date, got, err, tt.want)
		}
	}
}

func TestSystemsFrom(t *testing.T) {
	if all, err := systemsFrom(""); err != nil || len(all) != 6 {
		t.Errorf("all: %v, %v", all, err)
	}
	if some, err := systemsFrom("linux/arm64,windows/amd64"); err != nil || len(some) != 2 || some[1].program("fal") != "fal.exe" {
		t.Errorf("some: %v, %v", some, err)
	}
	if _, err := systemsFrom("plan9/amd64"); err == nil {
		t.Error("plan9 is no error")
	}
}
