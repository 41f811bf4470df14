package config

import "strings"

// noticeConflicts says which settings lost against others where a person may
// expect the opposite. Settings that agree are not mentioned.
func (r *resolver) noticeConflicts(cfg *Config) {
	switch {
	case r.profile.explicit():
		r.noticeExplicit(cfg)
	case r.profile.chosenBy.Kind == OriginVariable:
		r.noticeVariableProfile(cfg)
	case r.profile.chosenBy.Kind == OriginFile:
		r.noticeForeignKey(cfg)
	}
}

// noticeExplicit names the variables that --profile made ineffective.
func (r *resolver) noticeExplicit(cfg *Config) {
	var ignored []string
	keys := false
	if r.in.Key == "" && !cfg.AuthDisabled {
		for _, name := range []string{varKey, varKeyID, varKeySecret} {
			if v := r.in.getenv(name); v != "" && !cfg.Credentials.has(name, v) {
				ignored, keys = append(ignored, name), true
			}
		}
		if truthy(r.in.getenv(varForceLogin)) && cfg.Credentials.Kind == CredentialsKey {
			ignored = append(ignored, varForceLogin)
		}
	}
	for _, h := range []struct {
		name string
		used Endpoint
	}{
		{varGRPCHost, cfg.Host}, {varHost, cfg.Host}, {varRESTHost, cfg.RESTHost},
		{varRunHost, cfg.RunHost}, {varQueueHost, cfg.QueueHost},
	} {
		beaten := r.in.Host != "" && (h.name == varGRPCHost || h.name == varHost) // by --host in any case
		if v := r.in.getenv(h.name); v != "" && !beaten && !sameHost(v, h.used) {
			ignored = append(ignored, h.name)
		}
	}
	if r.keptTLS {
		ignored = append(ignored, varTestMode)
	}
	if len(ignored) == 0 {
		return
	}
	verb := "is"
	if len(ignored) > 1 {
		verb = "are"
	}
	r.notice("%s %s: %s %s ignored", flagProfile, printable(r.profile.name), enumerate(ignored), verb)
	if keys && cfg.Credentials.Kind == CredentialsLogin {
		r.notice("profile %s has no key: the login is used", printable(r.profile.name))
	}
}

// noticeVariableProfile says when FAL_PROFILE names a profile whose key or
// host other variables replace.
func (r *resolver) noticeVariableProfile(cfg *Config) {
	say := func(what string, by Origin) {
		r.notice("%s: its %s is not used, since %s is set", r.profile.chosenBy.Name+" "+printable(r.profile.name), what, by)
	}
	if key, _ := r.profile.values[profileKey].(string); key != "" && cfg.Credentials.Origin.Kind == OriginVariable &&
		cfg.Credentials.Kind == CredentialsKey && !cfg.Credentials.has(varKey, key) {
		say("key", cfg.Credentials.Origin)
	}
	host, _ := r.profile.values[profileLocalHost].(string)
	if host == "" {
		host, _ = r.profile.values[profileHost].(string)
	}
	if host != "" && cfg.Host.Origin.Kind == OriginVariable && !sameHost(host, cfg.Host) {
		say("host", cfg.Host.Origin)
	}
}

// noticeForeignKey says when a key from a variable goes to the control plane
// that the default profile names with its own key beside it.
func (r *resolver) noticeForeignKey(cfg *Config) {
	c := cfg.Credentials
	local, _ := r.profile.values[profileLocalHost].(string)
	key, _ := r.profile.values[profileKey].(string)
	if local == "" || key == "" || cfg.Host.Origin.Kind != OriginProfile {
		return
	}
	if c.Kind != CredentialsKey || c.Origin.Kind != OriginVariable || c.has(varKey, key) {
		return
	}
	r.notice("the key from %s is used with the host of profile %s (%s); %s %s uses its own key",
		c.Origin, printable(r.profile.name), cfg.Host.Value, flagProfile, printable(r.profile.name))
}

// has reports whether the value of the variable called name is what the
// credentials consist of.
func (c Credentials) has(name, value string) bool {
	if c.Kind != CredentialsKey {
		return false
	}
	switch name {
	case varKeyID:
		return value == c.KeyID
	case varKeySecret:
		return value == c.Secret.Reveal()
	}
	return value == c.KeyID+":"+c.Secret.Reveal()
}

func sameHost(written string, used Endpoint) bool {
	a, why := parseAddress(written)
	return why == "" && a.String() == used.Value
}

func enumerate(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
