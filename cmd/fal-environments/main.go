// Command fal-environments creates, lists and deletes the environments of an
// account of fal serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/environments"
)

func main() { os.Exit(environments.Main()) }
