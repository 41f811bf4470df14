package controlplane

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func caller(t testing.TB, s *Server) state.Caller {
	t.Helper()
	c, err := s.state.Authenticate(s.credentials.KeyID, s.credentials.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func earliest() time.Time { return time.Unix(1, 0) }

func TestSample(t *testing.T) {
	s := start(t, Options{})
	app, err := s.StartSample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.StartSample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again.Rev.RevisionID != app.Rev.RevisionID {
		t.Error("starting the sample again made another revision")
	}
	for _, r := range awaitUp(t, s, "sample", 3) {
		if !alive(r.PID) {
			t.Errorf("runner %s: no process %d", r.ID, r.PID)
		}
		if got, want := states(t, s, r.ID), []string{"PENDING", "SETUP", "IDLE"}; !slices.Equal(got, want) {
			t.Errorf("history %q, want %q", got, want)
		}
		await(t, "a line of the sample", func() bool {
			return strings.Contains(logText(t, s, r.ID), "stdout STDOUT") && strings.Contains(logText(t, s, r.ID), "msg=started")
		})
	}
	for _, info := range dial(t, s, s.Credentials()).list(t) {
		if info.GetState() != pb.RunnerInfo_IDLE || info.GetAlias() != "sample" || info.GetRevision() != app.Rev.RevisionID ||
			info.GetMachineType() != "XS" || info.GetUptime() <= 0 || info.ExpirationCountdown != nil ||
			!info.GetExternalMetadata().GetFields()["present_in_group"].GetBoolValue() {
			t.Errorf("runner %v", info)
		}
	}
}
