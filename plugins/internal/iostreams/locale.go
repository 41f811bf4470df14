package iostreams

import (
	"cmp"
	"runtime"
	"strings"
)

// SpeaksUTF8 reports whether the terminal shows more than ASCII, as the
// variables of the locale say; that of Windows always does.
func SpeaksUTF8(getenv func(string) string) bool {
	if runtime.GOOS == "windows" {
		return true
	}
	locale := strings.ToLower(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}
