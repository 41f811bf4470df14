package deploy

import (
	"cmp"
	"context"

	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// sessions are those of one run: one for each team that apps are deployed to.
type sessions struct {
	connect func(context.Context, *cli.Invocation, session.Account) (*session.Session, error)
	inv     *cli.Invocation
	open    map[string]opened
}

// opened is what came of opening a session.
type opened struct {
	session *session.Session
	err     error
}

func (o *options) sessions(inv *cli.Invocation) *sessions {
	return &sessions{connect: o.connect, inv: inv, open: map[string]opened{}}
}

// of returns the session for the team of an app. A team that is given on the
// line counts for all of them.
func (s *sessions) of(ctx context.Context, target *project.Target) (*session.Session, error) {
	team := cmp.Or(s.inv.Team, target.Team)
	has, tried := s.open[team]
	if !tried {
		has.session, has.err = s.connect(ctx, s.inv, session.Account{Team: target.Team, From: target.TeamFrom, Again: len(s.open) > 0})
		s.open[team] = has
	}
	return has.session, has.err
}

func (s *sessions) close() {
	for _, has := range s.open {
		if has.session != nil {
			has.session.Close()
		}
	}
}
