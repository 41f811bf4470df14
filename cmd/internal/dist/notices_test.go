package main

import (
	"slices"
	"testing"
)

func TestLicenceFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "NOTICE.md", "licence-3RD", "README.md", "licenses/x"} {
		put(t, dir, name, "")
	}
	found, err := licenceFiles(dir)
	if len(found) != 3 || err != nil || !slices.IsSorted(found) {
		t.Errorf("%q, %v", found, err)
	}
	if _, err := licenceFiles(t.TempDir()); err == nil {
		t.Error("a module without a licence is no error")
	}
}
