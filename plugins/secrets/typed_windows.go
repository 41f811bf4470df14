package secrets

import (
	"context"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// moreTyped is never so: a console can not be asked without taking a key from
// whoever reads it next.
func moreTyped(context.Context, *iostreams.Streams) (bool, error) { return false, nil }
