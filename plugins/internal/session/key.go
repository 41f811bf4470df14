package session

import (
	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// OpenKey makes a session for a key, <id>:<secret>, that no file has yet. It
// goes to where the profile leads, whatever else the environment names, and
// nothing is said about the configuration: the key is to be tried, not used.
func OpenKey(inv *cli.Invocation, profile, key string) (*Session, error) {
	cfg, err := config.Resolve(config.Inputs{Profile: profile, Key: key, Getenv: inv.Getenv})
	if err != nil {
		return nil, err
	}
	var credentials fal.Credentials = fal.Anonymous
	if c := cfg.Credentials; c.Kind == config.CredentialsKey {
		credentials = fal.Key{ID: c.KeyID, Secret: c.Secret.Reveal()}
	}
	s := &Session{Config: cfg, inv: inv}
	return s, s.connect(credentials)
}
