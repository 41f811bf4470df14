package login_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/login"
)

func TestStored(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	c, said := newClient(t, s.base, dir, nil)
	if token, err := c.Stored(); token != "" || !errors.Is(err, login.NotLoggedIn) {
		t.Errorf("without a login: %q, %v", token, err)
	}
	for _, tt := range []struct {
		life time.Duration
		ok   bool
	}{
		{24 * time.Hour, true},
		{5 * time.Minute, true}, // Token would refresh it
		{-time.Minute, false},
	} {
		p := s.login(t, dir, tt.life)
		token, err := c.Stored()
		if tt.ok && (err != nil || token != p.access) || !tt.ok && (token != "" || !errors.Is(err, login.NotLoggedIn)) {
			t.Errorf("%s: %q, %v", tt.life, token, err)
		}
		if read(t, dir) != p.file() {
			t.Errorf("%s: the file was changed", tt.life)
		}
	}
	foreign, _ := newClient(t, s.base, dir, func(o *login.Options) { o.Endpoints = login.Service() })
	s.login(t, dir, time.Hour)
	if token, err := foreign.Stored(); token != "" || !errors.Is(err, login.OtherIssuer) {
		t.Errorf("of another issuer: %t, %v", token != "", err)
	}
	if _, asked := s.counts(); asked != 0 {
		t.Errorf("%d requests", asked)
	}
	if said.all() != "" {
		t.Errorf("notices: %s", said.all())
	}
}
