// Command fal-local runs the local control plane.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/local"
)

func main() { os.Exit(local.Main()) }
