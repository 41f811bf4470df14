package profilestore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Destination is a profile that a new key is saved as, and that need not exist
// yet.
type Destination struct {
	Path    string // of the configuration file
	Profile string
	Host    config.Endpoint // what the key is for
	Replace bool            // also a key and a host that are there

	// Replaced is the id of the key that the profile had before Save, or "".
	Replaced string
}

// Taken is the code of the error for a profile that has a key or a host which
// must not be replaced.
const Taken = string(config.ProfileExists)

// Prove is [Prove] for what Save will write.
func (d *Destination) Prove() error {
	return Prove(d.Path, func(f *config.File) error { return d.edit(f, "id:secret") })
}

// Save writes the key, and the host that it is for unless the profile leads
// there already.
func (d *Destination) Save(id, secret string) error {
	key := id + ":" + secret
	if _, _, err := config.ParseKey(key, "the service"); err != nil {
		return err
	}
	return config.Update(d.Path, func(f *config.File) error { return d.edit(f, key) })
}

func (d *Destination) edit(f *config.File, key string) error {
	if err := d.permit(f); err != nil {
		return err
	}
	d.Replaced = KeyID(f, d.Profile)
	if err := f.Set(d.Profile, Key, key); err != nil {
		return err
	}
	if d.leadsThere(f) {
		return nil
	}
	if !d.isDefaultHost() {
		_, err := SetHost(f, d.Profile, d.Host)
		return err
	}
	for _, name := range []string{Host, LocalHost} {
		if err := f.Unset(d.Profile, name); err != nil {
			return err
		}
	}
	return nil
}

// permit keeps a profile from losing what it has, unless that was asked for.
func (d *Destination) permit(f *config.File) error {
	if d.Replace || !slices.ContainsFunc(f.Profiles(), func(p config.Profile) bool { return p.Name == d.Profile }) {
		return nil
	}
	refuse := func(format string, args ...any) error {
		e := cli.Usagef("profile %s %s", iostreams.SanitizeLine(d.Profile), fmt.Sprintf(format, args...))
		e.Code = Taken
		return e
	}
	if id := KeyID(f, d.Profile); id != "" {
		return refuse("has key %s already", id)
	}
	if old, isText := f.Get(d.Profile, Key); old != "" || !isText && Has(f, d.Profile, Key) {
		return refuse("has a key already")
	}
	if !d.leadsThere(f) {
		is := cmp.Or(iostreams.SanitizeLine(Written(f, d.Profile)), "a malformed host")
		return refuse("is for %s, and the key would be for %s", is, d.Host.Value)
	}
	return nil
}

// leadsThere reports whether the profile names the host already.
func (d *Destination) leadsThere(f *config.File) bool {
	_, value := setting(d.Host)
	return Written(f, d.Profile) == value
}

// isDefaultHost reports whether a profile leads to the host by naming none.
func (d *Destination) isDefaultHost() bool {
	return !d.Host.Plaintext && d.Host.Value == config.DefaultHost
}

// OnlyHere reports whether the profile leads to its host by [LocalHost], so that
// the official client would send the key elsewhere.
func (d *Destination) OnlyHere() bool {
	name, _ := setting(d.Host)
	return name == LocalHost
}

// Differs tells where the saved profile does not lead to what a command used: a
// profile holds one host, from which the other ones follow. It is "" when there
// is nothing to tell.
func (d *Destination) Differs(getenv func(string) string, used *config.Config) string {
	saved, err := config.Resolve(config.Inputs{Profile: d.Profile, Getenv: getenv})
	switch {
	case err != nil:
		return fmt.Sprintf("profile %s can not be used as things are: %s", d.Profile, err)
	case saved.Host.URL() != used.Host.URL():
		return fmt.Sprintf("profile %s leads to %s, and this command used %s", d.Profile, saved.Host.URL(), used.Host.URL())
	case saved.RESTURL() != used.RESTURL():
		return fmt.Sprintf("profile %s leads to %s for REST, and here it is %s from %s", d.Profile, saved.RESTURL(), used.RESTURL(), used.RESTHost.Origin)
	}
	return ""
}
