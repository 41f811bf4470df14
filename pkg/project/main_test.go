package project_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asPython makes the test binary a Python that knows its version alone.
const asPython = "PROJECT_TEST_AS_PYTHON"

func TestMain(m *testing.M) {
	if version := os.Getenv(asPython); version != "" {
		fmt.Println(version)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
