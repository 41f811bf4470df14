// Command fal-secrets manages the secrets of fal serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/secrets"
)

func main() { os.Exit(secrets.Main()) }
