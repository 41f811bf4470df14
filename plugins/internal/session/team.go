package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// What is kept in the cache: the accounts of a login, and the account of a key.
const (
	kindAccounts = "accounts"
	kindAccount  = "account"
	keptFor      = time.Hour
)

// keptAccount is an account in the cache.
type keptAccount struct {
	UserID   string `json:"user_id"`
	Nickname string `json:"nickname"`
}

// Account is an account that something else than --team names.
type Account struct {
	// Team is its nickname; "" leaves the account to the line and the
	// configuration.
	Team string
	// From is what names it, as in "tool.fal.apps.web.team in pyproject.toml:3".
	From string
	// Again leaves out the notices that another session of the command gave.
	Again bool
}

// OpenFor is Open for an account. A --team that is given goes before it.
func OpenFor(ctx context.Context, inv *cli.Invocation, account Account) (*Session, error) {
	s, credentials, err := resolve(inv, account)
	if err != nil {
		return nil, err
	}
	if err := s.actFor(ctx, credentials); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// name has the configuration, which is nobody else's yet, say what named the
// account, and leaves out what was said before.
func (s *Session) name(account Account) {
	if s.inv.Team == "" && account.Team != "" {
		s.named = true
		s.Config.Team.Origin.Name = account.From
	}
	if account.Again {
		s.Config.Notices = nil
	}
}

// actFor sees to it that calls are made for the account that was chosen, and
// for no other. It connects.
func (s *Session) actFor(ctx context.Context, credentials fal.Credentials) error {
	team := s.Config.Team
	switch kind := s.Config.Credentials.Kind; {
	case team.Value != "" && kind == config.CredentialsLogin:
		return s.actForTeam(ctx, credentials)
	case team.Value != "" && kind == config.CredentialsKey && team.Origin.Kind == config.OriginFlag:
		if err := s.connect(credentials); err != nil {
			return err
		}
		return s.checkTeam(ctx)
	}
	return s.connect(credentials)
}

// actForTeam finds the user id of the account, in the cache if it is there.
func (s *Session) actForTeam(ctx context.Context, credentials fal.Credentials) error {
	ctx, cancel := s.inv.RequestContext(ctx)
	defer cancel()
	if err := s.openCache(ctx); err != nil {
		return s.Error(err)
	}
	kept, known := named(s.kept(kindAccounts), s.Config.Team.Value)
	s.remembered = known
	if !known {
		if err := s.connect(credentials); err != nil {
			return err
		}
		accounts, err := s.Accounts(ctx)
		if err != nil {
			return err
		}
		if kept, known = named(keep(accounts), s.Config.Team.Value); !known {
			return s.unknownTeam(accounts)
		}
		s.disconnect()
	}
	s.team = kept.UserID
	return s.connect(credentials)
}

// named finds the account with a nickname, in any case; one that is written so
// to the letter goes first.
func named(accounts []keptAccount, nickname string) (keptAccount, bool) {
	var found keptAccount
	for _, a := range accounts {
		switch {
		case a.UserID == "":
		case a.Nickname == nickname:
			return a, true
		case found.UserID == "" && strings.EqualFold(a.Nickname, nickname):
			found = a
		}
	}
	return found, found.UserID != ""
}

// Accounts asks the service which accounts the credentials may act as, the
// personal one first, and keeps the answer for commands with --team.
func (s *Session) Accounts(ctx context.Context) ([]fal.Account, error) {
	ctx, cancel := s.inv.RequestContext(ctx)
	defer cancel()
	var accounts []fal.Account
	for a, err := range s.Client.Accounts.List(ctx, nil) {
		if err != nil {
			return nil, s.Error(err)
		}
		accounts = append(accounts, a)
	}
	if s.source == nil {
		return accounts, nil
	}
	if err := s.openCache(ctx); err != nil {
		return nil, s.Error(err)
	}
	s.keep(kindAccounts, keep(accounts))
	return accounts, nil
}

func keep(accounts []fal.Account) []keptAccount {
	kept := make([]keptAccount, len(accounts))
	for i, a := range accounts {
		kept[i] = keptAccount{UserID: a.UserID, Nickname: a.Nickname}
	}
	return kept
}

// unknownTeam is the error for a team that the login may not act for.
func (s *Session) unknownTeam(accounts []fal.Account) error {
	team := s.Config.Team
	e := &cli.Error{Code: "unknown_team", Exit: cli.ExitNotFound,
		Message: fmt.Sprintf("team %s from %s is none of the accounts of the login", team.Value, team.Origin)}
	nicknames := make([]string, len(accounts))
	for i, a := range accounts {
		nicknames[i] = a.Nickname
	}
	if near := suggest.Nearest(team.Value, nicknames); near != "" {
		e = e.WithHint("did you mean " + near + "?")
	}
	const shown = 20
	if n := len(nicknames); n > 0 && n <= shown {
		e = e.WithHint("accounts: " + strings.Join(nicknames, ", "))
	}
	if s.named {
		return e.WithHint(fmt.Sprintf("change %s, or give another with --team", team.Origin))
	}
	if program := s.program("account"); program != "" && team.Origin.Kind != config.OriginFlag {
		e = e.WithHint(program+" set", program+" unset")
	}
	return e
}

// checkTeam holds an explicit --team against the account of the key, which
// decides: a command must not run on another account than the one named.
func (s *Session) checkTeam(ctx context.Context) error {
	team := s.Config.Team.Value
	ctx, cancel := s.inv.RequestContext(ctx)
	defer cancel()
	if err := s.openCache(ctx); err != nil {
		return s.Error(err)
	}
	if kept := s.kept(kindAccount); len(kept) == 1 && strings.EqualFold(kept[0].Nickname, team) {
		return nil
	}
	account, err := s.Client.Accounts.Current(ctx)
	if err != nil {
		return s.Error(err)
	}
	s.keep(kindAccount, keep([]fal.Account{account}))
	if strings.EqualFold(account.Nickname, team) {
		return nil
	}
	hint := "use a key of that team, or leave out --team"
	if s.named {
		hint = fmt.Sprintf("use a key of that team, or change %s", s.Config.Team.Origin)
	}
	return &cli.Error{Code: "wrong_account", Exit: cli.ExitAuth,
		Message: fmt.Sprintf("the key from %s belongs to %s, not to team %s", s.Config.Credentials.Origin, account.Nickname, team),
		Hint:    []string{hint}}
}

// openCache opens the cache of the credentials. For those of a login that takes
// a token, which says whose they are.
func (s *Session) openCache(ctx context.Context) error {
	if s.opened() != nil {
		return nil
	}
	whose := "key " + s.Config.Credentials.KeyID
	if s.source != nil {
		token, err := s.source.Token(ctx)
		if err != nil {
			return err
		}
		whose = holder(token)
	}
	s.caching.Lock()
	defer s.caching.Unlock()
	s.cache = cache.Open(s.inv.Getenv, s.Config.RESTURL(), whose)
	return nil
}

// opened is the cache of the credentials, nil while nobody has needed it.
func (s *Session) opened() *cache.Cache {
	s.caching.Lock()
	defer s.caching.Unlock()
	return s.cache
}

// holder names whoever a token belongs to: by what it says, and else, as long
// as it is used, by itself.
func holder(token string) string {
	if c := readClaims(token); c.Subject != "" {
		return "login " + c.Issuer + " " + c.Subject
	}
	sum := sha256.Sum256([]byte(token))
	return "token " + hex.EncodeToString(sum[:])
}

func (s *Session) kept(kind string) []keptAccount {
	value, found := s.opened().Get(kind, "", keptFor)
	var accounts []keptAccount
	if !found || json.Unmarshal(value, &accounts) != nil {
		return nil
	}
	return accounts
}

func (s *Session) keep(kind string, accounts []keptAccount) {
	value, err := json.Marshal(accounts)
	if err == nil {
		err = s.opened().Put(kind, "", value)
	}
	if err != nil && s.inv.Debug {
		fmt.Fprintln(s.inv.IO.Err, "debug: the accounts are not kept:", err)
	}
}

// forget drops what is kept of credentials that were not accepted.
func (s *Session) forget() {
	kept := s.opened()
	if kept == nil {
		return
	}
	if err := kept.Clear(); err != nil && s.inv.Debug {
		fmt.Fprintln(s.inv.IO.Err, "debug: what is kept of the account can not be dropped:", err)
	}
}
