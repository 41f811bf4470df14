// Command fal-apps shows, scales and rolls out the apps of fal serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/apps"
)

func main() { os.Exit(apps.Main()) }
