package spawn

import (
	"fmt"
	"path/filepath"
	"strings"
)

// CheckBatch refuses to give a batch file an argument from which Windows'
// command processor would read commands or variables, which quoting does not
// prevent.
func CheckBatch(path string, args []string) error {
	if extension := strings.ToLower(filepath.Ext(path)); extension != ".bat" && extension != ".cmd" {
		return nil
	}
	for _, arg := range args {
		if strings.ContainsAny(arg, "\"%&|<>^!\r\n") {
			return fmt.Errorf("a batch file cannot safely be given the argument %q", arg)
		}
	}
	return nil
}
