// Package profilestore writes into profiles of the configuration file: keys,
// and the hosts that they are for.
//
//	d := profilestore.Destination{Path: path, Profile: "ci", Host: host}
//	if err := d.Prove(); err != nil {
//		return err // nothing was written, and d.Save would fail too
//	}
//	key := … // is made, once it is known that it can be kept
//	err := d.Save(key.ID, key.Secret)
//
// It guarantees that a profile does not lose a key or a host that it has unless
// that was asked for, that a saved profile leads to the host that its key is
// for, and that no error shows a secret. It knows the configuration alone: what
// a key is good for is asked elsewhere.
package profilestore

import (
	"errors"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// Settings of a profile. The last is read by these programs only, for hosts
// that the official client does not start with.
const (
	Key       = "key"
	Host      = "host"
	LocalHost = "local_host"
)

// Prove makes sure that an edit of the configuration file at path will work, as
// far as that can be known: it is made and thrown away, and the file is tried
// to be written. Its errors are *[cli.Error] with [cli.ExitUsage].
func Prove(path string, edit func(*config.File) error) error {
	proved := errors.New("the edit can be made")
	err := config.Update(path, func(f *config.File) error {
		if err := edit(f); err != nil {
			return err
		}
		return proved
	})
	if errors.Is(err, proved) {
		return checkWritable(path)
	}
	var told *cli.Error
	var known *config.Error
	switch {
	case errors.As(err, &told): // with hints of its own
		return err
	case errors.As(err, &known):
		lines := known.ErrorLines()
		return &cli.Error{Code: known.ErrorCode(), Exit: cli.ExitUsage, Message: lines[0], Lines: lines[1:], Hint: known.Hints(), Err: err}
	}
	return err
}

// Written is the host that a profile leads to, as it is written there; "" when
// it is a value of another type than text, which leads nowhere.
func Written(f *config.File, profile string) string {
	for _, name := range []string{LocalHost, Host} {
		host, isText := f.Get(profile, name)
		if host != "" || !isText && Has(f, profile, name) {
			return host
		}
	}
	return config.DefaultHost
}

// Has reports whether a profile has a setting, of whatever type.
func Has(f *config.File, profile, name string) bool {
	return slices.ContainsFunc(f.Profiles(), func(p config.Profile) bool {
		return p.Name == profile && slices.Contains(p.Keys, name)
	})
}

// SetHost makes a profile that exists lead to h, and reports under which name
// that is written: [Host], or [LocalHost] for what the official client would not
// start with.
func SetHost(f *config.File, profile string, h config.Endpoint) (name string, err error) {
	name, value := setting(h)
	for _, other := range []string{Host, LocalHost} {
		if other == name {
			continue
		}
		if err := f.Unset(profile, other); err != nil {
			return "", err
		}
	}
	return name, f.Set(profile, name, value)
}

// setting is how a profile says that it leads to h: the name and the value.
func setting(h config.Endpoint) (name, value string) {
	switch {
	case h.Plaintext && h.IsLoopback():
		return LocalHost, h.Value
	case h.Plaintext:
		return LocalHost, "http://" + h.Value
	case strings.HasPrefix(h.Value, "api") && !h.IsLoopback():
		return Host, h.Value
	}
	return LocalHost, "https://" + h.Value
}

// Masked shows which key it is and not its secret: <id>:…<the last four
// characters>, of a short secret no character, and of what is no key nothing at
// all.
func Masked(key string) string {
	id, secret, err := config.ParseKey(key, "")
	if err != nil {
		return "malformed"
	}
	text := secret.Reveal()
	const shown = 4
	if len(text) < 4*shown { // so many would be too large a part of it
		return id + ":…"
	}
	return id + ":…" + text[len(text)-shown:]
}

// KeyID is the id of a profile's key, empty when there is none or it is
// malformed.
func KeyID(f *config.File, profile string) string {
	key, _ := f.Get(profile, Key)
	id, _, err := config.ParseKey(key, profile)
	if err != nil {
		return ""
	}
	return id
}
