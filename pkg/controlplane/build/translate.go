package build

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// translate replaces, in a word of a command or the value of a variable, each
// absolute path that names something in a tree by its place on this machine. A
// path begins at the beginning, or after white space, a quote or one of =:;,(<>&|@
// and ends before white space, a quote or one of :;,()&|<>.
//
// A URL stays as it is, to its end at white space, a quote or one of ;,()|<>, but
// for the path of a file on this machine: that of file:///path, and the one of
// scheme:////path, as sqlite:////app/data.db names /app/data.db.
func translate(root, word string) string {
	var out strings.Builder
	for i := 0; i < len(word); {
		if n := schemeAt(word, i); n > 0 {
			end := until(word, i+n, " \t\n\"'`;,()|<>")
			out.WriteString(locateURL(root, word[i:i+n], word[i+n:end]))
			i = end
			continue
		}
		if word[i] != '/' || i > 0 && !strings.ContainsRune(" \t\n\"'`=:;,(<>&|@", rune(word[i-1])) {
			out.WriteByte(word[i])
			i++
			continue
		}
		end := until(word, i, " \t\n\"'`:;,()&|<>")
		out.WriteString(locate(root, word[i:end]))
		i = end
	}
	return out.String()
}

// until returns where, from a place on, the first of the stops is, or the end.
func until(word string, from int, stops string) int {
	if n := strings.IndexAny(word[from:], stops); n >= 0 {
		return from + n
	}
	return len(word)
}

// schemeAt returns the length of a scheme with its "://" that begins at a place; 0 if
// none does.
func schemeAt(word string, at int) int {
	isLetter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
	isPart := func(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || strings.IndexByte("+.-", c) >= 0 }
	if !isLetter(word[at]) || at > 0 && (isPart(word[at-1]) || word[at-1] == '/') {
		return 0
	}
	end := at + 1
	for end < len(word) && isPart(word[end]) {
		end++
	}
	if !strings.HasPrefix(word[end:], "://") {
		return 0
	}
	return end + len("://") - at
}

// locateURL is translate for a URL: a scheme with its "://", and the rest.
func locateURL(root, scheme, rest string) string {
	switch {
	case strings.EqualFold(scheme, "file://") && strings.HasPrefix(rest, "/"):
		return scheme + locate(root, rest)
	case strings.HasPrefix(rest, "//"):
		if local := locate(root, rest[1:]); local != rest[1:] {
			return scheme + "/" + local
		}
	}
	return scheme + rest
}

// locate is translate for a path alone. The tree's own root, and what is only a
// folder on the way to something, mean this machine's.
func locate(root, name string) string {
	clean := path.Clean(name)
	if clean == "/" {
		return name
	}
	local := filepath.Join(root, filepath.FromSlash(clean))
	info, err := os.Lstat(local)
	if err != nil || info.IsDir() && isPassage(local, clean) {
		return name
	}
	if strings.HasSuffix(name, "/") {
		local += string(filepath.Separator)
	}
	return local
}

// isPassage reports whether a folder of a tree exists on this machine too, and is
// one that systems have.
func isPassage(local, name string) bool {
	switch name {
	case "/bin", "/dev", "/etc", "/home", "/lib", "/lib64", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin",
		"/usr/lib", "/usr/local", "/usr/local/lib", "/usr/sbin", "/usr/share", "/var":
	default:
		return false
	}
	entries, err := os.ReadDir(local)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			return false
		}
	}
	return true
}
