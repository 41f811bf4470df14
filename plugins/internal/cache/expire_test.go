package cache

import (
	"testing"
	"time"
)

func TestExpire(t *testing.T) {
	dir := t.TempDir()
	mine, theirs := Open(in(dir), "h", "a"), Open(in(dir), "i", "b")
	put(t, mine, "uploads", "old", "1")
	put(t, theirs, "uploads", "old", "2")
	put(t, mine, "apps", "old", "3")
	written := time.Now()
	mine.now = func() time.Time { return written.Add(30 * time.Minute) }
	mine.Expire("uploads", time.Hour)
	want(t, mine, "uploads", "old", "1")
	mine.now = func() time.Time { return written.Add(61 * time.Minute) }
	for _, kind := range []string{"", "*", "uploads"} {
		mine.Expire(kind, time.Hour)
	}
	mine.now = func() time.Time { return written }
	want(t, mine, "uploads", "old", "")
	want(t, theirs, "uploads", "old", "")
	want(t, mine, "apps", "old", "3")
	Open(in(dir+"/nowhere"), "h", "a").Expire("uploads", time.Hour)
}
