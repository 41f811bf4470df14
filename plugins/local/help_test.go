package local

import (
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func TestEveryHelpAndGarbage(t *testing.T) { cli.TryEverything(t, App) }
