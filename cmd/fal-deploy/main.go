// Command fal-deploy deploys apps to fal serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/deploy"
)

func main() { os.Exit(deploy.Main()) }
