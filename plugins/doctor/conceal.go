package doctor

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/view"
)

const redacted = "[redacted]"

// conceal takes out of a row what a service or a proxy may have repeated of
// the secrets that were sent to it.
func (p *patient) conceal(row view.Check) view.Check {
	hide := func(text string) string {
		for _, secret := range p.secrets() {
			text = strings.ReplaceAll(text, secret, redacted)
		}
		return bearer().ReplaceAllString(text, "Bearer "+redacted)
	}
	row.Found = hide(row.Found)
	if row.Hint != nil {
		hint := hide(*row.Hint)
		row.Hint = &hint
	}
	return row
}

func bearer() *regexp.Regexp { return regexp.MustCompile(`Bearer \S+`) }

// secrets are those that are known without asking anybody: that of the key,
// and the passwords for proxies.
func (p *patient) secrets() []string {
	var secrets []string
	if cfg := p.settings.config; cfg != nil {
		secrets = append(secrets, cfg.Credentials.Secret.Reveal())
	}
	for _, h := range p.hops() {
		if h.proxy == nil {
			continue
		}
		if password, set := h.proxy.User.Password(); set {
			secrets = append(secrets, password, url.QueryEscape(password))
		}
	}
	kept := secrets[:0]
	for _, s := range secrets {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
