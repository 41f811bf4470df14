package view

import (
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// LogLevels are the levels that can be asked for, the least first.
func LogLevels() []string { return []string{"trace", "debug", "info", "warning", "error", "critical"} }

// LogLevelWords are LogLevels with the short names that loggers write.
func LogLevelWords() []string { return append(LogLevels(), "warn", "err", "fatal") }

// AtLeast reports whether a line is of a level of LogLevels or above. Of what a
// program writes, standard output counts as info and standard error, where
// tracebacks go, as error. A level that is not known is at least any.
func (l LogLine) AtLeast(level string) bool {
	have := slices.Index(LogLevels(), severity(l.Level))
	return have < 0 || have >= slices.Index(LogLevels(), severity(level))
}

// severity is the level of LogLevels that another name stands for.
func severity(level string) string {
	switch level = strings.ToLower(level); level {
	case "stdout", "notice":
		return "info"
	case "warn":
		return "warning"
	case "stderr", "err":
		return "error"
	case "fatal", "panic", "alert", "emergency":
		return "critical"
	}
	return level
}

func logStyle(level string) iostreams.Style {
	switch severity(level) {
	case "trace", "debug":
		return iostreams.Dim
	case "info":
		return iostreams.Green
	case "warning":
		return iostreams.Yellow
	case "error":
		return iostreams.Red
	case "critical":
		return iostreams.Bold | iostreams.Red
	}
	return iostreams.Plain
}
