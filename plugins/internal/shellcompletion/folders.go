package shellcompletion

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// foldersMade begins the line of our files that says how many folders were made
// for them, one in the other.
const foldersMade = "# Folders made for it: "

// madeLine is that line; none for no folders.
func madeLine(levels int) string {
	if levels == 0 {
		return ""
	}
	return foldersMade + strconv.Itoa(levels) + "\n"
}

// madeLevels reads that line of a text.
func madeLevels(text string) int {
	_, behind, _ := strings.Cut(text, "\n"+foldersMade)
	number, _, _ := strings.Cut(behind, "\n")
	levels, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return levels
}

// missingLevels is how many folders a folder needs that are not there, itself
// included.
func missingLevels(folder string) int {
	levels := 0
	for {
		if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(folder) == folder {
			return levels
		}
		levels++
		folder = filepath.Dir(folder)
	}
}

// levels is how many folders were made for the scripts, or are to be: those of
// another shell may lie in the same one.
func (p Place) levels() int {
	levels := missingLevels(p.folder)
	listed, _ := os.ReadDir(p.folder) // what is not there has none
	for _, entry := range listed {
		if !entry.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.folder, entry.Name()))
		if behind, ours := strings.CutPrefix(string(text), written); err == nil && ours && strings.HasPrefix(behind, foldersMade) {
			levels = max(levels, madeLevels(string(text)))
		}
	}
	return levels
}

// removeEmpty removes a folder and those above it, as many as were made, up to
// one that has something in it, or in whose place there is a link by now.
func removeEmpty(folder string, levels int) {
	for ; levels > 0; levels-- {
		if info, err := os.Lstat(folder); err != nil || !info.IsDir() || os.Remove(folder) != nil {
			return
		}
		folder = filepath.Dir(folder)
	}
}
