package suggest

import "slices"

// Alike returns the name that means what word does, as delete does for rm; ""
// when none of them does, or the word is not one of the few that programs have
// for the same.
func Alike(word string, names []string) string {
	for _, name := range meaning(word) {
		if slices.Contains(names, name) {
			return name
		}
	}
	return ""
}

// meaning are the names for what a word means, the nearest to it first.
func meaning(word string) []string {
	switch word {
	case "delete", "del", "rm", "remove", "destroy", "erase":
		return []string{"delete"}
	case "list", "ls":
		return []string{"list", "status"}
	case "get", "show", "describe", "inspect", "info", "view":
		return []string{"describe", "show", "status", "list"}
	case "create", "add", "new":
		return []string{"create"}
	}
	return nil
}
