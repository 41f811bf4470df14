package watch

import "os"

// deserted cannot be asked here: the next write tells it.
func deserted(*os.File) bool { return false }
