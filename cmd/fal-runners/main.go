// Command fal-runners shows and stops the runners of fal serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/runners"
)

func main() { os.Exit(runners.Main()) }
