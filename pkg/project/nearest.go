package project

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearest is the word that a misspelt one most likely stands for, the first of
// equals, else the only one that begins with it; "" if none is near.
func nearest(word string, words []string) string {
	best, least := "", min(len(word)/2, 3)+1
	var longer []string
	for _, candidate := range words {
		if far := levenshtein.ComputeDistance(word, candidate); far < least {
			best, least = candidate, far
		}
		if len(word) > 1 && strings.HasPrefix(candidate, word) {
			longer = append(longer, candidate)
		}
	}
	if best == "" && len(longer) == 1 {
		return longer[0]
	}
	return best
}

// meant is the question that follows a misspelt word; "" if none is near.
func meant(word string, words []string) string {
	if near := nearest(word, words); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
