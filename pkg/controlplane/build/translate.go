package build

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// translate replaces, in a word of a command or the value of a variable, each
// absolute path that names something in a tree by its place on this machine. A
// path begins at the beginning, or after white space, a quote or one of =:;,( and
// ends before white space, a quote or one of :;,()&|<>.
func translate(root, word string) string {
	var out strings.Builder
	for i := 0; i < len(word); {
		if word[i] != '/' || i > 0 && !strings.ContainsRune(" \t\n\"'`=:;,(", rune(word[i-1])) {
			out.WriteByte(word[i])
			i++
			continue
		}
		end := len(word)
		if n := strings.IndexAny(word[i:], " \t\n\"'`:;,()&|<>"); n >= 0 {
			end = i + n
		}
		out.WriteString(locate(root, word[i:end]))
		i = end
	}
	return out.String()
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
