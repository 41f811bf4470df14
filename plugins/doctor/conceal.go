package doctor

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/view"
)

const (
	redacted = "[redacted]"
	// Shorter secrets are found in other words too.
	shortestSecret = 4
	// longestWord is more than what any word of this program has.
	longestWord = 16
)

// foreign is a text that came from outside: without what a service or a proxy
// may have repeated of the secrets that were sent to it.
func (p *patient) foreign(text string) string {
	return p.conceal(text, shortestSecret)
}

// concealRow makes sure of a whole row, of which some is in words of this
// program: only for secrets that are no part of one.
func (p *patient) concealRow(row view.Check) view.Check {
	row.Found = p.conceal(row.Found, longestWord)
	if row.Hint != nil {
		hint := p.conceal(*row.Hint, longestWord)
		row.Hint = &hint
	}
	return row
}

func (p *patient) conceal(text string, shortest int) string {
	for _, secret := range p.secrets() {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	return bearer().ReplaceAllString(text, "Bearer "+redacted)
}

func bearer() *regexp.Regexp { return regexp.MustCompile(`Bearer \S+`) }

// secrets are those that are known without asking anybody: that of the key,
// the tokens of the login, and the passwords for proxies.
func (p *patient) secrets() []string {
	var secrets []string
	if cfg := p.settings.credentials; cfg != nil {
		secrets = append(secrets, cfg.Credentials.Secret.Reveal())
	}
	secrets = append(secrets, p.settings.login.tokens...)
	for _, h := range p.hops() {
		if h.proxy == nil {
			continue
		}
		if password, set := h.proxy.User.Password(); set {
			secrets = append(secrets, password, url.QueryEscape(password))
		}
	}
	return secrets
}
