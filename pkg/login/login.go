package login

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/login/internal/tokenfile"
)

const (
	lockWait      = 20 * time.Second // as long as the official client waits
	exchangeLimit = 15 * time.Second // less than lockWait: others wait for the lock meanwhile
	answerGrace   = time.Second
	settle        = 20 * time.Millisecond
	refusalWait   = time.Second
	retryPause    = 250 * time.Millisecond
)

// Options are the dependencies of a [Client].
type Options struct {
	// Endpoints of the issuer; the zero value is [Service].
	Endpoints Endpoints
	// Dir is the folder of the files. It need not exist; it is made, with mode
	// 0700, when something is written.
	Dir string
	// HTTPClient makes the requests; nil is one with the defaults of net/http.
	// Its redirects are not followed: nothing is sent to another host.
	HTTPClient *http.Client
	// VerifyIDToken proves an id_token; [Client.Begin] and [Client.Wait] need
	// it. It is idtoken.Verify of the package below this one, which is apart so
	// that programs that only use a login do not link what it needs.
	VerifyIDToken func(ctx context.Context, raw string, want Expected) error

	// Admit says whether a login may be sent to the issuer, and its access token
	// be given away: issuer is who issued it by the word of the access token,
	// and "" where none is there to tell. nil admits all. What is certainly
	// another issuer's is refused in any case.
	Admit func(issuer string) bool

	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// Notice is told what a person should know: a sentence without a newline.
	// It may be nil.
	Notice func(string)
}

// Expected is what an id_token must be, and what its verification needs.
type Expected struct {
	Issuer, ClientID, JWKS string

	HTTPClient *http.Client // follows no redirect
	Now        func() time.Time
}

// Client is one issuer and one folder. It may be used by several goroutines.
type Client struct {
	endpoints Endpoints
	folder    *tokenfile.Folder
	http      *http.Client
	verify    func(context.Context, string, Expected) error
	admit     func(issuer string) bool
	now       func() time.Time
	notice    func(string)
	wait      time.Duration

	turn chan struct{} // one goroutine at a time asks for the lock

	mu      sync.Mutex
	told    map[string]bool
	unsaved *unsaved
}

// unsaved is a pair that could not be written: it stands in for what it
// replaces as long as the file still holds that.
type unsaved struct {
	replaces, pair tokenfile.Tokens
	since          time.Time
}

// New checks the options. It reads no file and opens no connection.
func New(o Options) (*Client, error) {
	endpoints, err := o.Endpoints.resolve()
	if err != nil {
		return nil, err
	}
	if o.Dir == "" {
		return nil, &Error{Kind: Storage, Message: "no home folder is known, so there is no place for a login"}
	}
	c := &Client{
		endpoints: endpoints,
		http:      &http.Client{},
		verify:    o.VerifyIDToken,
		now:       o.Now,
		admit:     o.Admit,
		wait:      lockWait,
		turn:      make(chan struct{}, 1),
		told:      map[string]bool{},
	}
	if o.HTTPClient != nil {
		*c.http = *o.HTTPClient
	}
	c.http.Jar = nil
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.now == nil {
		c.now = time.Now
	}
	c.notice = c.once(o.Notice)
	c.folder = tokenfile.At(o.Dir, c.notice)
	return c, nil
}

// once says each notice a single time.
func (c *Client) once(say func(string)) func(string) {
	return func(text string) {
		c.mu.Lock()
		first := !c.told[text]
		c.told[text] = true
		c.mu.Unlock()
		if first && say != nil {
			say(text)
		}
	}
}

// LastConnection returns the connection of the last login that had one, or "".
// The official client keeps it in the same file.
func (c *Client) LastConnection() string { return c.folder.Connection() }

// Path is the token file's, for messages.
func (c *Client) Path() string { return c.folder.Path() }

// read returns the tokens: those of the file, or what could not be saved.
func (c *Client) read() (tokenfile.Contents, error) {
	found, err := c.folder.Read()
	if err != nil {
		return found, storageError("read the login", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.unsaved; u != nil && u.replaces == found.Tokens {
		found.Tokens, found.Modified = u.pair, u.since
	}
	return found, nil
}

// lock takes the lock of the files; see [tokenfile.Folder.Lock] for peek.
func (c *Client) lock(ctx context.Context, peek func() bool) (*tokenfile.Held, error) {
	held, err := c.folder.Lock(ctx, c.wait, peek)
	switch {
	case errors.Is(err, tokenfile.ErrBusy):
		return nil, &Error{Kind: Locked, Message: "another process keeps the login locked", cause: err}
	case err != nil && ctx.Err() != nil:
		return nil, c.interrupted(ctx, "the lock of the login was not free")
	case err != nil:
		return nil, storageError("lock the login", err)
	}
	return held, nil
}

// save puts tokens in the place of what the file holds. Where that fails they
// are used by this client all the same, and a notice says so.
func (c *Client) save(slot *tokenfile.Slot, replaces, pair tokenfile.Tokens) {
	err := slot.Commit(pair)
	c.mu.Lock()
	c.unsaved = nil
	if err != nil {
		c.unsaved = &unsaved{replaces: replaces, pair: pair, since: c.now()}
	}
	c.mu.Unlock()
	if err != nil {
		c.notice("the refreshed login could not be saved, so that you may have to log in again: " + plain(err.Error()))
	}
}
