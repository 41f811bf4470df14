package iostreams

import (
	"runtime"
	"testing"
)

func TestSpeaksUTF8(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LANG": "de_DE.UTF-8"}, true},
		{map[string]string{"LANG": "C", "LC_CTYPE": "en_US.utf8"}, true},
		{map[string]string{"LANG": "C.UTF-8", "LC_ALL": "POSIX"}, false},
	} {
		want := tt.want || runtime.GOOS == "windows"
		if got := SpeaksUTF8(func(name string) string { return tt.env[name] }); got != want {
			t.Errorf("%v: %v, want %v", tt.env, got, want)
		}
	}
}
