//go:build unix && !darwin

package auth

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The opener gets the address as one word, and is not waited for.
func TestOpenBrowser(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	const url = "https://example.com/?a=b&c=$(d) e"
	if err := openBrowser(url); err == nil {
		t.Error("a browser was opened by a program that is not there")
	}
	script := "#!/bin/sh\nprintf '%s' \"$#$1\" >\"$0.new\"; /bin/mv \"$0.new\" \"$0.got\"\n"
	opener := filepath.Join(bin, "xdg-open")
	if err := os.WriteFile(opener, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := openBrowser(url); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if got, err := os.ReadFile(opener + ".got"); err == nil {
			if string(got) != "1"+url {
				t.Errorf("opened %q", got)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("nothing was opened")
		}
	}
}
