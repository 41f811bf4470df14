package signaltest

// Heed does nothing: programs do not inherit ignored signals here.
func Heed() {}
