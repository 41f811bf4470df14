// Command fal-keys creates, lists and revokes the API keys of an account of fal
// serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/keys"
)

func main() { os.Exit(keys.Main()) }
