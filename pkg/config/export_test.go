package config

import "time"

// Parse is Open without a disk, for fuzzing.
func Parse(data []byte) (*File, error) { return newFile("", "config.toml", data) }

// Content returns what Save would write.
func (f *File) Content() []byte { return f.content() }

// UpdateWithin is Update with another limit to the wait for the lock.
func UpdateWithin(path string, wait time.Duration, edit func(*File) error) error {
	return update(path, wait, edit)
}
