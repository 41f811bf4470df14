// Command fal finds the program fal-<name> for a command and becomes it.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/dispatch"
)

func main() { os.Exit(dispatch.Main()) }
