// Command fal-doctor checks the set-up of this machine for fal serverless.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/doctor"
)

func main() { os.Exit(doctor.Main()) }
