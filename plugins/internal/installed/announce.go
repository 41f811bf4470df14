package installed

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	// In a compiled program the announcement stands between these two, which
	// any linker leaves in place: fal-plugin<complete describe>.
	announceStart = "fal-plugin<"
	announceEnd   = ">"
	// In a script it is a comment line of its own: # fal-plugin: complete describe.
	announceLine = "fal-plugin:"

	// announceHead is how much of a script is read for it, in bytes.
	announceHead = 4 << 10
	// longestAnnouncement bounds what stands between start and end, in bytes.
	longestAnnouncement = 64
)

// Announcement is what a program offers that is not a command of it. It is
// read from the file; nothing is run.
type Announcement struct {
	// Own: it was built from this project, and completes as all of it do.
	Own bool
	// Complete: `fal-NAME __complete -- WORD… CURRENT` completes the last word.
	Complete bool
	// Describe: `fal-NAME __describe` prints one line of JSON about it.
	Describe bool
}

// Announced reads what a program announces. The words are in a comment line
// in the first 4 KiB of a script, or anywhere in a compiled program; words
// that are not known mean nothing. Programs of this project complete.
func Announced(path string) Announcement {
	file, err := os.Open(path)
	if err != nil {
		return Announcement{}
	}
	defer func() { _ = file.Close() }() // nothing was written
	head := make([]byte, announceHead)
	read, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return Announcement{}
	}
	head = head[:read]
	if bytes.HasPrefix(head, []byte("#!")) {
		return inScript(string(head))
	}
	if _, own := Version(path); own {
		return Announcement{Own: true, Complete: true}
	}
	rest, err := io.ReadAll(io.LimitReader(file, maxProgram))
	if err != nil {
		return Announcement{}
	}
	return inProgram(append(head, rest...))
}

// maxProgram bounds how much of a program is read, in bytes.
const maxProgram = 256 << 20

func inScript(head string) Announcement {
	for line := range strings.Lines(head) {
		// The comment signs of the usual languages.
		if words, is := strings.CutPrefix(strings.TrimLeft(line, "#/-;% \t"), announceLine); is && !strings.HasPrefix(line, announceLine) {
			return announcement(strings.Fields(words))
		}
	}
	return Announcement{}
}

func inProgram(program []byte) Announcement {
	for {
		_, rest, found := bytes.Cut(program, []byte(announceStart))
		if !found {
			return Announcement{}
		}
		end := bytes.Index(rest[:min(len(rest), longestAnnouncement)], []byte(announceEnd))
		if end > 0 && len(bytes.Trim(rest[:end], " abcdefghijklmnopqrstuvwxyz")) == 0 {
			return announcement(strings.Fields(string(rest[:end])))
		}
		program = rest
	}
}

func announcement(words []string) Announcement {
	return Announcement{Complete: slices.Contains(words, "complete"), Describe: slices.Contains(words, "describe")}
}
