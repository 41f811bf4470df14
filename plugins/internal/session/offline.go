package session

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Offline resolves the configuration as Open does, for what reads the cache and
// asks the service only if it must: it touches no network, and has no Client
// until Connect. Nothing that is done with the session prints anything, refreshes
// a login or drops one. Without credentials it is an error.
func Offline(inv *cli.Invocation) (*Session, error) {
	quiet := *inv
	quiet.IO = &iostreams.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	quiet.Verbose, quiet.Debug = false, false
	cfg, err := config.Resolve(config.Inputs{
		Profile:     inv.Profile,
		Host:        inv.Host,
		Team:        inv.Team,
		Environment: inv.Environment,
		Getenv:      inv.Getenv,
	})
	if err != nil {
		return nil, err
	}
	s := &Session{Config: cfg, inv: &quiet, offline: true}
	if s.Kept() == nil {
		return nil, errNobody
	}
	return s, nil
}

var errNobody = errors.New("there are no credentials")

// Connect makes the Client of an Offline session. It asks for the accounts of a
// login when it must find the one to act for. Of a login it uses the access
// token that is there, and is an error when that has ended.
func (s *Session) Connect(ctx context.Context) error {
	credentials, err := s.credentials()
	if err != nil {
		return err
	}
	return s.actFor(ctx, credentials)
}

// ConnectAsSelf is Connect for the account of the credentials themselves,
// whatever other is selected. It touches no network.
func (s *Session) ConnectAsSelf() error {
	credentials, err := s.credentials()
	if err != nil {
		return err
	}
	return s.connect(credentials)
}

// Kept is the cache of the credentials, for names that completion offers; nil
// when it is not known whose they are.
func (s *Session) Kept() *cache.Cache {
	s.caching.Lock()
	defer s.caching.Unlock()
	if s.cache == nil {
		s.cache = s.ownCache()
	}
	return s.cache
}

// ownCache opens the cache by what is known without asking anybody.
func (s *Session) ownCache() *cache.Cache {
	whose := "key " + s.Config.Credentials.KeyID
	switch s.Config.Credentials.Kind {
	case config.CredentialsNone:
		return nil
	case config.CredentialsLogin:
		token := storedToken(s.Config.TokenPath)
		if token == "" {
			return nil
		}
		whose = holder(token)
	}
	return cache.Open(s.inv.Getenv, s.Config.RESTURL(), whose)
}

// Place tells apart what lies in the same cache: by the gRPC host, by the
// account that a login acts for, and, if it is about one, by the environment.
func (s *Session) Place(environment bool) string {
	team, env := "", ""
	if s.Config.Credentials.Kind == config.CredentialsLogin {
		team = strings.ToLower(s.Config.Team.Value)
	}
	if environment {
		env = fal.JoinAlias("", s.Config.Environment.Value) // main is none
	}
	return strings.Join([]string{s.Config.Host.Address(), team, env}, "\x00")
}

// AsPerson is inv for which the keys of variables and of the default profile do
// not count, so that a login does.
func AsPerson(inv *cli.Invocation) *cli.Invocation { return withoutKeys(inv) }

// Profiles are those of the configuration file.
func Profiles(inv *cli.Invocation) ([]config.Profile, error) {
	f, err := config.Open(config.Locate(config.Inputs{Getenv: inv.Getenv}).Config.Value)
	if err != nil {
		return nil, err
	}
	return f.Profiles(), nil
}
