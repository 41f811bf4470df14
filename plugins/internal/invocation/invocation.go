// Package invocation tells a program started by the dispatcher what was
// typed, so that `fal runners` and `fal-runners` can each print errors under
// the name that the user knows.
//
// The dispatcher adds Setting(…) to the environment of what it starts. The
// program asks once, at its start, and then takes the variable out of the
// environment that its own children get:
//
//	form, ok := invocation.Typed(os.Getenv(invocation.Variable), "fal-runners", os.Getpid(), os.Getppid())
//	os.Unsetenv(invocation.Variable)
//
// The value names the process and the program it is meant for, so that a
// program which leaves it in the environment of others misleads nobody.
package invocation

import (
	"strconv"
	"strings"
)

// Variable is the name of the environment variable.
const Variable = "FAL_INVOKED_AS"

// Setting returns NAME=value for the environment of program, a name such as
// fal-runners, when the words of form were typed. pid is the dispatcher's own
// process: it either becomes the program or is its parent.
func Setting(pid int, program, form string) string {
	return Variable + "=" + strconv.Itoa(pid) + " " + program + " " + form
}

// Typed returns the words that were typed, such as `fal runners`, from the
// value of Variable. It is false when the value is empty or malformed, or is
// meant for another program or another process.
func Typed(value, program string, pid, parent int) (form string, ok bool) {
	process, rest, _ := strings.Cut(value, " ")
	meant, form, ok := strings.Cut(rest, " ")
	if !ok || form == "" || meant != program {
		return "", false
	}
	if id, err := strconv.Atoi(process); err != nil || id != pid && id != parent {
		return "", false
	}
	return form, true
}
