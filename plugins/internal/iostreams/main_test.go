package iostreams_test

import (
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}
