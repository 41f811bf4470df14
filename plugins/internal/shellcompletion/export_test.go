package shellcompletion

// SystemBelow is System of a system below a folder.
func SystemBelow(root, shell string) (path string, found bool) { return systemBelow(root, shell) }
