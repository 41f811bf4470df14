package build

const isWindows = true

// scripts is the folder of a virtual environment's programs.
const scripts = "Scripts"

const pythonName = "python.exe"
