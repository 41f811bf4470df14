//go:build unix

package build

const isWindows = false

// scripts is the folder of a virtual environment's programs.
const scripts = "bin"

const pythonName = "python"
