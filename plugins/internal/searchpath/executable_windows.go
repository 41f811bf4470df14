package searchpath

import "io/fs"

func extensions(pathExt string) []string { return runnable(pathExt) }

// executable is true because In asks only for names with the extension of a
// program.
func executable(string, fs.FileInfo) bool { return true }
