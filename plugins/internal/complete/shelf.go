package complete

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

const (
	most     = 2000      // names of a kind
	largest  = 512 << 10 // bytes of all of them, about
	longest  = 256       // bytes of a name
	keptFor  = 30 * 24 * time.Hour
	failures = "failed" // kinds in the cache beside those of things
	attempts = "asked"
)

// failure is why nothing was listed.
type failure struct {
	At   time.Time `json:"at"`
	Late bool      `json:"late,omitempty"` // there was no answer in time
}

// query is what a completer asks for: all of a kind, or those of one app.
type query struct {
	kind   kind
	of     string
	person bool // as the person who logged in, whatever key there is
}

// open makes the session that a query is asked with, and finds the shelf.
func (q query) open(inv *cli.Invocation) (*session.Session, shelf, error) {
	if q.person {
		inv = session.AsPerson(inv)
	}
	own := *inv
	own.Command = &cli.Command{Environment: q.kind.environment}
	s, err := session.Offline(&own)
	if err != nil {
		return nil, shelf{}, err
	}
	return s, shelf{s.Kept(), s.Place(q.kind.environment), q}, nil
}

// shelf is where the answer to a query lies.
type shelf struct {
	cache *cache.Cache
	place string
	query query
}

func (st shelf) key() string {
	place := st.place
	if st.query.kind.account {
		place, _, _ = strings.Cut(place, "\x00") // the host alone
	}
	return place + "\x00" + st.query.of
}

// load returns what is kept. found is false when that is nothing.
func (st shelf) load() (l listing, found bool) {
	value, found := st.cache.Get(st.query.kind.name, st.key(), keptFor)
	if !found {
		return listing{}, false
	}
	return decode(value)
}

// save keeps items in the place of what was kept, or, when they are not all
// that there are, beside it. Where that fails nothing is kept, which is as good.
func (st shelf) save(items []item, all bool, now time.Time) {
	l := listing{Listed: now}
	if !all {
		l, _ = st.load()
	}
	l.Items = bounded(merged(l.Items, items))
	_ = st.cache.Put(st.query.kind.name, st.key(), l.encode())
}

// merged are items, and behind them what is kept under other names.
func merged(kept, items []item) []item {
	if len(kept) == 0 {
		return items
	}
	named := make(map[string]bool, len(items))
	for _, i := range items {
		named[i.Name] = true
	}
	all := slices.Clone(items)
	for _, k := range kept {
		if !named[k.Name] {
			all = append(all, k)
		}
	}
	return all
}

// bounded leaves out what can not be typed, and what would be too much.
func bounded(items []item) []item {
	kept := make([]item, 0, min(len(items), most))
	size := 0
	for _, i := range items {
		if i.Name == "" || len(i.Name) > longest || strings.ContainsFunc(i.Name, unicode.IsControl) {
			continue
		}
		const others = 16 // the age, and what stands between
		size += others + len(i.Name) + len(i.Alias) + len(i.App) + len(i.About)
		for _, m := range i.Machines {
			size += len(m) + 1
		}
		if len(kept) == most || size > largest {
			break
		}
		kept = append(kept, i)
	}
	return kept
}

// side is the part of the service that is asked: one that can not be reached is
// of no use for other queries either.
func (st shelf) side(s *session.Session) string {
	if st.query.kind.rest {
		return s.Config.RESTURL()
	}
	return s.Config.Host.Address()
}

// itself is the key of what is kept about this query alone.
func (st shelf) itself() string { return st.query.kind.name + "\x00" + st.key() }

func (st shelf) failure(s *session.Session) (f failure, known bool) {
	for _, key := range []string{st.side(s), st.itself()} {
		if value, found := st.cache.Get(failures, key, slow); found && json.Unmarshal(value, &f) == nil {
			return f, true
		}
	}
	return failure{}, false
}

// ask asks the service, and keeps what it answers or that it did not.
func (st shelf) ask(ctx context.Context, s *session.Session, now time.Time) []item {
	items, err := st.list(ctx, s, now)
	if err != nil {
		late := ctx.Err() != nil
		key := st.itself()
		if late || errors.Is(err, fal.ErrUnavailable) || errors.Is(err, fal.ErrDeadlineExceeded) {
			key = st.side(s)
		}
		if text, err := json.Marshal(failure{At: now, Late: late}); err == nil {
			_ = st.cache.Put(failures, key, text)
		}
		return nil
	}
	_ = errors.Join(st.cache.Drop(failures, st.side(s)), st.cache.Drop(failures, st.itself())) // or they grow old
	st.save(items, true, now)
	return bounded(items)
}

func (st shelf) list(ctx context.Context, s *session.Session, now time.Time) ([]item, error) {
	connect := s.Connect
	if st.query.kind.account {
		connect = func(context.Context) error { return s.ConnectAsSelf() }
	}
	if err := connect(ctx); err != nil {
		return nil, err
	}
	return st.query.kind.list(ctx, s, st.query.of, now)
}
