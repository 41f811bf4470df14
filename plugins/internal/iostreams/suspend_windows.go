package iostreams

import (
	"context"
	"os"
)

// There is no job control: Ctrl-Z is a character like others.

func notifyResumed(chan<- os.Signal) {}

func canSuspend() bool { return false }

func stopGroup(context.Context, <-chan os.Signal) {}
