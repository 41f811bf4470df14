// Command fal-auth logs in to fal serverless and out, and says who is logged in.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/auth"
)

func main() { os.Exit(auth.Main()) }
