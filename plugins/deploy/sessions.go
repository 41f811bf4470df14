package deploy

import (
	"context"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// sessions are those of one run: one for each team that apps are deployed to.
type sessions struct {
	connect func(context.Context, *cli.Invocation) (*session.Session, error)
	inv     *cli.Invocation
	open    map[string]*session.Session
}

func (o *options) sessions(inv *cli.Invocation) *sessions {
	return &sessions{connect: o.connect, inv: inv, open: map[string]*session.Session{}}
}

// of returns the session for the team of an app. A team that is given on the
// line counts for all of them.
func (s *sessions) of(ctx context.Context, team string) (*session.Session, error) {
	inv := *s.inv
	if inv.Team == "" {
		inv.Team = team
	}
	if has := s.open[inv.Team]; has != nil {
		return has, nil
	}
	made, err := s.connect(ctx, &inv)
	if err != nil {
		return nil, err
	}
	s.open[inv.Team] = made
	return made, nil
}

func (s *sessions) close() {
	for _, made := range s.open {
		made.Close()
	}
}
