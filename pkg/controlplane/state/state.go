// Package state holds the rules of the control plane: what a call may change,
// for whom, and what follows from it. A noun is a file.
//
//	st, err := state.Open(ctx, db, state.Options{})
//	caller, err := st.Authenticate(keyID, secret)
//	err = st.StopRunner(ctx, caller, runnerID, false)
//
// What a call changed is durable when it returns nil. Errors that a caller can
// do something about are *Error. Runners that have not ended, and those that
// ended within the last 25 hours, are answered from memory. State starts no
// process: it says what should be (Snapshot, Changed) and is told what is
// (Launched, Ready, Ended, …).
package state

import (
	"cmp"
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Options configures Open; the zero value is good.
type Options struct {
	Now          func() time.Time // time.Now when nil
	Logger       *slog.Logger     // discards when nil
	MaxLogBytes  int64            // stored log of one runner; 256 MiB when 0
	Vault        Vault            // what secrets are kept in; none can be set when nil
	Logins       Logins           // how people log in; nobody does when zero
	RecentWindow time.Duration    // how long ended runners stay in memory; 25 h when 0
}

// State is the control plane's state. Its methods may be called from any
// goroutine.
type State struct {
	db     *store.Store
	now    func() time.Time
	logger *slog.Logger
	vault  Vault // nil without one
	logins Logins
	recent time.Duration
	logs   *logBook

	changed chan struct{}
	refused chan struct{} // closed by Refuse

	mu           sync.RWMutex
	accounts     map[int64]Account
	keys         map[string]store.Key // valid ones, by key id
	people       peopleBook
	apps         map[appName]*App
	changeovers  changeovers
	revisions    map[string]*store.Revision            // by revision id
	environments map[environmentName]store.Environment // but the default ones
	secrets      map[secretName]store.Secret
	singles      map[string]bool // revisions of which one runner at a time can be up
	live         map[string]*runner
	waiting      map[appName][]*waiter // in the order in which they came
	ended        []*Runner             // in the order of their ends, since endedFrom
	endedFrom    time.Time
	calls        map[*call]bool
	closed       bool

	// registered is held by what changes accounts, environments, secrets, or
	// takes revisions away. What changes an app holds it for reading, and with
	// it the one of aliases that the app's alias leads to.
	registered sync.RWMutex
	aliases    [64]sync.Mutex
	seed       maphash.Seed

	refreshing sync.Mutex // held by what starts, continues or ends a login
}

// Open reads the state out of the database.
func Open(ctx context.Context, db *store.Store, o Options) (*State, error) {
	s := &State{
		db:           db,
		now:          o.Now,
		logger:       o.Logger,
		vault:        o.Vault,
		logins:       o.Logins.withDefaults(),
		recent:       cmp.Or(o.RecentWindow, 25*time.Hour),
		changed:      make(chan struct{}, 1),
		refused:      make(chan struct{}),
		accounts:     make(map[int64]Account),
		keys:         make(map[string]store.Key),
		people:       newPeopleBook(),
		apps:         make(map[appName]*App),
		changeovers:  make(changeovers),
		revisions:    make(map[string]*store.Revision),
		secrets:      make(map[secretName]store.Secret),
		environments: make(map[environmentName]store.Environment),
		singles:      make(map[string]bool),
		live:         make(map[string]*runner),
		waiting:      make(map[appName][]*waiter),
		calls:        make(map[*call]bool),
		seed:         maphash.MakeSeed(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	s.logs = newLogBook(db, s.logger, cmp.Or(o.MaxLogBytes, 256<<20))
	return s, nil
}

func (s *State) load(ctx context.Context) error {
	accounts, err := s.db.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		s.accounts[a.ID] = a
	}
	keys, err := s.db.ValidKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		s.keys[k.KeyID] = k
	}
	if err := s.loadPeople(ctx); err != nil {
		return err
	}
	if err := s.loadEnvironments(ctx); err != nil {
		return err
	}
	if err := s.loadSecrets(ctx); err != nil {
		return err
	}
	if err := s.loadApps(ctx); err != nil {
		return err
	}
	return s.loadRunners(ctx)
}

// Close stores the log lines that are still in memory. No runner may be alive
// or logging any more.
func (s *State) Close() { s.logs.close() }

// Changed delivers a value after something changed that scheduling depends on.
func (s *State) Changed() <-chan struct{} { return s.changed }

func (s *State) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // one is waiting already
	}
}

// instant is now as it is stored and shown: UTC, in microseconds.
func (s *State) instant() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
