// Package check holds the rules of the house that a compiler does not know:
// which package may import which, and who may end the process. Its tests read
// the packages with `go list`; check.sh runs them with the other checks.
package check
