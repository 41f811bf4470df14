// Package suggest finds what a misspelt word was meant to be. A name is near a
// word when it differs from it in one letter, or in two when the word has more
// than four; two neighbouring letters in the wrong order count once. A name
// that begins with the word is near too, behind those that are spelt like it.
// Case does not count, and a single letter is near to nothing.
package suggest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// asPrefix ranks a name that begins with the word.
const asPrefix = 3

// Distance says how far a word is from a name, and whether that is near.
func Distance(word, name string) (far int, near bool) {
	letters := utf8.RuneCountInString(word)
	if letters < 2 {
		return 0, false
	}
	word, name = strings.ToLower(word), strings.ToLower(name)
	allowed := 2
	if letters <= 4 {
		allowed = 1
	}
	far = levenshtein.ComputeDistance(word, name)
	if far == 2 && transposed(word, name) {
		far = 1
	}
	if far <= allowed && far < letters {
		return far, true
	}
	if strings.HasPrefix(name, word) {
		return asPrefix, true
	}
	return far, false
}

// Nearest returns the candidate that a word most likely stands for, the first
// of equals, or "" when none is near. One that only begins with the word must
// be the only one.
func Nearest(word string, candidates []string) string {
	best, bestFar, equals := "", asPrefix+1, 0
	for _, c := range candidates {
		switch far, near := Distance(word, c); {
		case !near || far > bestFar:
		case far == bestFar:
			equals++
		default:
			best, bestFar, equals = c, far, 0
		}
	}
	if bestFar == asPrefix && equals > 0 {
		return ""
	}
	return best
}

// mostNear bounds how many names Near gives.
const mostNear = 3

// Near returns the few candidates that a word may stand for, the nearest first
// and equals in their own order.
func Near(word string, candidates []string) []string {
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	for _, c := range candidates {
		if far, ok := Distance(word, c); ok {
			near = append(near, candidate{c, far})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.far - b.far })
	var names []string
	for _, c := range near[:min(len(near), mostNear)] {
		names = append(names, c.name)
	}
	return names
}

// transposed says whether two neighbouring letters in the wrong order are all
// that two words differ in.
func transposed(word, name string) bool {
	a, b := []rune(word), []rune(name)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
		}
	}
	return false
}
