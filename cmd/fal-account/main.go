// Command fal-account chooses the account of fal serverless that commands act
// for.
package main

import (
	"os"

	"github.com/fal-plugins/fal/plugins/account"
)

func main() { os.Exit(account.Main()) }
