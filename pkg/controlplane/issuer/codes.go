package issuer

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// maxCodes bounds the device codes that have not expired.
const maxCodes = 128

// The errors of a user code; and of making one.
var (
	ErrUnknownCode = errors.New("the code is not known here")
	ErrExpiredCode = errors.New("the code has expired")
	ErrDecidedCode = errors.New("the code was used already")

	errTooManyCodes = errors.New("too many logins are under way")
)

// The errors of a poll, by the words of RFC 8628 and RFC 6749.
var (
	errPending  = errors.New("authorization_pending")
	errSlowDown = errors.New("slow_down")
	errDenied   = errors.New("access_denied")
	errOver     = errors.New("expired_token")
	errNoCode   = errors.New("invalid_grant")
)

// code is a login under way.
type code struct {
	device   string
	user     string // as people see it, such as WDJB-MJHT
	form     string // what the page posts along, to show that it was ours
	clientID string
	scope    string
	expires  time.Time
	polled   time.Time
	decided  bool
	person   *state.Person // nil when denied
}

// codeBook has the logins under way. Those that have expired stay for as long
// again, so that clients are told.
type codeBook struct {
	lifetime time.Duration

	mu       sync.Mutex
	byDevice map[string]*code
	byUser   map[string]*code // by user code without the hyphen
}

func newCodeBook(lifetime time.Duration) *codeBook {
	return &codeBook{lifetime: lifetime, byDevice: make(map[string]*code), byUser: make(map[string]*code)}
}

// create fails with errTooManyCodes, and then says how long it will.
func (b *codeBook) create(clientID, scope string, now time.Time) (code, time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	live, free := 0, b.lifetime
	for _, c := range b.byDevice {
		switch {
		case now.Sub(c.expires) >= b.lifetime:
			b.remove(c)
		case now.Before(c.expires):
			live++
			free = min(free, c.expires.Sub(now))
		}
	}
	if live >= maxCodes {
		return code{}, free, errTooManyCodes
	}
	c := &code{device: rand.Text() + rand.Text(), form: rand.Text(), clientID: clientID, scope: scope, expires: now.Add(b.lifetime)}
	for c.user == "" || b.byUser[normalized(c.user)] != nil {
		c.user = newUserCode()
	}
	b.byDevice[c.device], b.byUser[normalized(c.user)] = c, c
	return *c, 0, nil
}

// remove needs codeBook.mu.
func (b *codeBook) remove(c *code) {
	delete(b.byDevice, c.device)
	delete(b.byUser, normalized(c.user))
}

// find returns a code that can be decided.
func (b *codeBook) find(userCode string, now time.Time) (code, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := b.open(userCode, now)
	if err != nil {
		return code{}, err
	}
	return *c, nil
}

// open needs codeBook.mu.
func (b *codeBook) open(userCode string, now time.Time) (*code, error) {
	c := b.byUser[normalized(userCode)]
	switch {
	case c == nil:
		return nil, ErrUnknownCode
	case c.decided:
		return nil, ErrDecidedCode
	case !now.Before(c.expires):
		return nil, ErrExpiredCode
	}
	return c, nil
}

// decide approves a code for a person, or denies it for nil.
func (b *codeBook) decide(userCode string, person *state.Person, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := b.open(userCode, now)
	if err != nil {
		return err
	}
	c.decided, c.person = true, person
	return nil
}

// poll returns a code that was approved, and forgets it. The errors are those of
// the protocol. A poll that comes too soon is told so; the next may come one
// interval later, since not every client waits for longer then.
func (b *codeBook) poll(device, clientID string, interval time.Duration, now time.Time) (code, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.byDevice[device]
	if c == nil || c.clientID != clientID {
		return code{}, errNoCode
	}
	soon := now.Sub(c.polled) < interval
	c.polled = now
	switch {
	case !c.decided && !now.Before(c.expires):
		return code{}, errOver
	case soon:
		return code{}, errSlowDown
	case !c.decided:
		return code{}, errPending
	case c.person == nil:
		return code{}, errDenied
	}
	b.remove(c)
	return *c, nil
}

// posted reports whether a form was ours, made for this code.
func (c *code) posted(form string) bool {
	return subtle.ConstantTimeCompare([]byte(c.form), []byte(form)) == 1
}

// userLetters make no words, and none is taken for another.
const userLetters = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode returns one of 20^8 codes.
func newUserCode() string {
	var b strings.Builder
	for i := range 8 {
		if i == 4 {
			b.WriteByte('-')
		}
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(userLetters)))) // never fails
		b.WriteByte(userLetters[n.Int64()])
	}
	return b.String()
}

// normalized is a user code however it was typed.
func normalized(userCode string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z':
			return r
		case r == '-' || r == ' ':
			return -1
		}
		return '?' // in no code
	}, userCode)
}
