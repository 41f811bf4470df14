// Command fal-profile manages the profiles of the configuration file: the keys
// and hosts that programs for fal serverless share.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/profile"
)

func main() { os.Exit(profile.Main()) }
