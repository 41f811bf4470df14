package controlplane

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/fal-plugins/fal/pkg/controlplane/schedule"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// alias returns the listed app of that name, nil for none.
func (c client) alias(t testing.TB, name string) *pb.AliasInfo {
	t.Helper()
	result, err := c.ListAliases(c.ctx, &pb.ListAliasesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range result.GetAliases() {
		if info.GetAlias() == name {
			return info
		}
	}
	return nil
}

// awaitSteady waits until an app is not rolling and has so many runners that
// are up.
func awaitSteady(t testing.TB, c client, name string, n int32) *pb.AliasInfo {
	t.Helper()
	var info *pb.AliasInfo
	await(t, "the end of a rollout of "+name, func() bool {
		info = c.alias(t, name)
		return !info.GetIsRolling() && info.GetActiveRunners() == n
	})
	return info
}

func TestSampleHasTwoRevisions(t *testing.T) {
	s := start(t, Options{})
	app, err := s.StartSample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	awaitUp(t, s, "sample", 3)
	c := dial(t, s, s.Credentials())
	if info := c.alias(t, "sample"); info.GetIsRolling() || info.GetRevision() != app.Rev.RevisionID || info.GetActiveRunners() != 3 {
		t.Errorf("it is listed as %v", info)
	}
	ended, err := s.state.Runners(t.Context(), caller(t, s), state.Query{EndedSince: earliest()})
	if err != nil {
		t.Fatal(err)
	}
	if len(ended) != 3 {
		t.Errorf("there were %d runners, want 3", len(ended))
	}
	listed, err := c.ListApplications(c.ctx, &pb.ListApplicationsRequest{ApplicationName: new("sample")})
	if err != nil {
		t.Fatal(err)
	}
	revisions := listed.GetApplications()
	if len(revisions) != 2 || revisions[0].GetApplicationId() != app.Rev.RevisionID || revisions[0].GetActiveRunners() != 3 ||
		revisions[1].GetActiveRunners() != 0 || !revisions[1].GetCreatedAt().AsTime().Before(revisions[0].GetCreatedAt().AsTime()) ||
		slices.Equal(revisions[0].GetMachineTypes(), revisions[1].GetMachineTypes()) {
		t.Fatalf("revisions %v", revisions)
	}

	staged, err := c.ListAliases(c.ctx, &pb.ListAliasesRequest{EnvironmentName: new("staging")})
	if err != nil {
		t.Fatal(err)
	}
	if apps := staged.GetAliases(); len(apps) != 1 || apps[0].GetAlias() != "sample--staging" || apps[0].GetMinConcurrency() != 0 || apps[0].GetActiveRunners() != 0 || apps[0].GetIsRolling() {
		t.Errorf("in staging there is %v", apps)
	}

	older := revisions[1].GetApplicationId()
	set, err := c.SetAlias(c.ctx, &pb.SetAliasRequest{Alias: "sample", Revision: older})
	if err != nil {
		t.Fatal(err)
	}
	if info := set.GetAliasInfo(); info.GetRevision() != older || !info.GetIsRolling() || info.GetMachineTypes()[0] != "S" {
		t.Errorf("set-rev answers %v", info)
	}
	awaitSteady(t, c, "sample", 3)
	for _, r := range awaitUp(t, s, "sample", 3) {
		if r.Revision != older || r.MachineType != "S" {
			t.Errorf("a runner of %s on %s", r.Revision, r.MachineType)
		}
	}
	if again, err := s.StartSample(t.Context()); err != nil || again.Rev.RevisionID != older {
		t.Errorf("started again it is at %v, %v", again, err)
	}
}

// TestSampleThatMoved starts what an earlier control plane registered with the
// program where it is now.
func TestSampleThatMoved(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	s.options.SampleArgv = []string{filepath.Join(dir, "gone"), "__sample"}
	if _, err := s.StartSample(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	s = start(t, Options{DataDir: dir})
	if _, err := s.StartSample(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitUp(t, s, "sample", 3)
	c := dial(t, s, s.Credentials())
	listed, err := c.ListApplications(c.ctx, &pb.ListApplicationsRequest{})
	if err != nil || len(listed.GetApplications()) != 2 {
		t.Errorf("revisions %v, %v", listed, err)
	}
}

// TestRolloutOfWhatFails: asked for a second time while the first fails, it is
// tried again and again, and still after another scaling.
func TestRolloutOfWhatFails(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web", "fail")
	spec.MinConcurrency, spec.MaxConcurrency = 1, 1
	register(t, s, spec)
	c := dial(t, s, s.Credentials())
	waiting := func(not string) (id string) {
		await(t, "a runner that failed", func() bool {
			for _, r := range live(t, s, "web") {
				if r.State == state.FailureDelay && r.ID != not {
					id = r.ID
				}
			}
			return id != ""
		})
		return id
	}
	last := waiting("")
	for range 2 {
		if _, err := c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web", Force: new(false)}); err != nil {
			t.Fatal(err)
		}
		last = waiting(last)
		if !c.alias(t, "web").GetIsRolling() {
			t.Error("it is not rolling")
		}
	}
	await(t, "another try", func() bool { return runner(t, s, last).Attempt > 1 })
	if _, err := c.UpdateApplication(c.ctx, &pb.UpdateApplicationRequest{ApplicationName: "web", MinConcurrency: new(int32(0)), KeepAlive: new(int32(0))}); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of all runners", func() bool { return len(live(t, s, "web")) == 0 })
	if c.alias(t, "web").GetIsRolling() {
		t.Error("it is rolling with nothing to come")
	}
}

// TestCrashesAreForgotten with the revision that they are of.
func TestCrashesAreForgotten(t *testing.T) {
	f := &fleet{crashes: map[string]crashes{"a": {count: 1}, "b": {count: 2}}}
	f.forgetCrashes([]schedule.App{{Name: "x", Revision: "b"}})
	if _, kept := f.crashes["b"]; len(f.crashes) != 1 || !kept {
		t.Errorf("crashes %v", f.crashes)
	}
}

func TestScale(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency, spec.MaxConcurrency = 1, 4
	register(t, s, spec)
	first := awaitUp(t, s, "web", 1)[0]
	c := dial(t, s, s.Credentials())
	scale := func(request *pb.UpdateApplicationRequest) *pb.AliasInfo {
		t.Helper()
		request.ApplicationName = "web"
		result, err := c.UpdateApplication(c.ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		return result.GetAliasInfo()
	}
	info := scale(&pb.UpdateApplicationRequest{MinConcurrency: new(int32(3)), MachineTypes: []string{"L"}, ValidRegions: []string{"us-east"},
		ScalingDelaySeconds: new(int32(0)), RequestTimeout: new(int32(7)), StartupTimeout: new(int32(8)),
		ConcurrencyBuffer: new(int32(1)), ConcurrencyBufferPerc: new(int32(5)), MaxMultiplexing: new(int32(2))})
	if info.GetMinConcurrency() != 3 || info.GetMaxConcurrency() != 4 || info.GetKeepAlive() != 3600 || info.GetRequestTimeout() != 7 ||
		info.GetStartupTimeout() != 8 || info.GetConcurrencyBuffer() != 1 || info.GetConcurrencyBufferPerc() != 5 || info.ScalingDelaySeconds == nil ||
		info.GetMaxMultiplexing() != 2 || !slices.Equal(info.GetMachineTypes(), []string{"L"}) || !slices.Equal(info.GetValidRegions(), []string{"us-east"}) ||
		info.GetIsRolling() || info.EnvironmentName != nil || info.GetAuthMode() != pb.ApplicationAuthMode_PRIVATE {
		t.Errorf("it answers %v", info)
	}
	for _, r := range awaitUp(t, s, "web", 3) {
		if want := map[bool]string{true: "XS", false: "L"}[r.ID == first.ID]; r.MachineType != want {
			t.Errorf("runner %s is on %s", r.ID, r.MachineType)
		}
	}

	// What is above the minimum counts down as soon as it is, and ends at once
	// when that is over.
	scale(&pb.UpdateApplicationRequest{MinConcurrency: new(int32(1))})
	counting := func() (n int) {
		for _, info := range c.list(t) {
			if info.ExpirationCountdown != nil {
				n++
			}
		}
		return n
	}
	await(t, "two that count down", func() bool { return counting() == 2 })
	scale(&pb.UpdateApplicationRequest{KeepAlive: new(int32(7200))})
	await(t, "a longer countdown", func() bool {
		return slices.ContainsFunc(c.list(t), func(r *pb.RunnerInfo) bool { return r.GetExpirationCountdown() > 3600 })
	})
	scale(&pb.UpdateApplicationRequest{KeepAlive: new(int32(0))})
	awaitUp(t, s, "web", 1)

	scale(&pb.UpdateApplicationRequest{KeepAlive: new(int32(3600)), MinConcurrency: new(int32(4))})
	up := awaitUp(t, s, "web", 4)
	finish := hold(t, s, "web", "")
	defer finish()
	held := ""
	for _, r := range live(t, s, "web") {
		if len(r.Leases) > 0 {
			held = r.ID
		}
	}
	scale(&pb.UpdateApplicationRequest{MinConcurrency: new(int32(1)), MaxConcurrency: new(int32(2))})
	left := awaitUp(t, s, "web", 2)
	want := []string{held}
	slices.SortFunc(up, func(a, b *Runner) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, r := range up {
		if r.ID != held && len(want) < 2 {
			want = append(want, r.ID)
		}
	}
	for _, r := range left {
		if !slices.Contains(want, r.ID) {
			t.Errorf("%s is left, want %q: the busy one and the oldest", r.ID, want)
		}
	}
	_, err := c.UpdateApplication(c.ctx, &pb.UpdateApplicationRequest{ApplicationName: "web", MinConcurrency: new(int32(5)), MaxConcurrency: new(int32(3))})
	if status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != "min_concurrency 5 is above max_concurrency 3" {
		t.Errorf("error %v", err)
	}
}

// watchRunners notes how many runners of an app serve, and of which revisions,
// until it is told to stop.
func watchRunners(t *testing.T, s *Server, alias string) (stop func() (fewestUp, mostServing int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	fewest, most := 1<<30, 0
	who := caller(t, s)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			runners, err := s.state.Runners(context.Background(), who, state.Query{Alias: alias, Pending: true})
			if err != nil {
				t.Error(err)
				return
			}
			up, serving := 0, 0
			for _, r := range runners {
				switch r.State {
				case state.Idle, state.Running:
					up++
					serving++
				case state.Pending, state.Setup, state.FailureDelay:
					serving++
				}
			}
			fewest, most = min(fewest, up), max(most, serving)
			time.Sleep(time.Millisecond)
		}
	}()
	return func() (int, int) {
		cancel()
		<-done
		return fewest, most
	}
}

func TestRollingOverKeepsCapacity(t *testing.T) {
	for name, test := range map[string]struct {
		roll func(c client, s *Server, other string) error
		same bool
	}{
		"set-rev": {roll: func(c client, _ *Server, other string) error {
			_, err := c.SetAlias(c.ctx, &pb.SetAliasRequest{Alias: "web", Revision: other, DeploymentStrategy: new(pb.DeploymentStrategy_ROLLING)})
			return err
		}},
		"rollout": {same: true, roll: func(c client, _ *Server, _ string) error {
			_, err := c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web", Force: new(false)})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			spec := app(t, "web")
			spec.MinConcurrency, spec.MaxConcurrency = 2, 2
			other, err := s.RegisterRevision(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			current := register(t, s, spec)
			before := awaitUp(t, s, "web", 2)
			c := dial(t, s, s.Credentials())
			watched := watchRunners(t, s, "web")
			if err := test.roll(c, s, other.RevisionID); err != nil {
				t.Fatal(err)
			}
			if !c.alias(t, "web").GetIsRolling() {
				t.Error("it is not rolling after the call")
			}
			awaitSteady(t, c, "web", 2)
			if fewest, most := watched(); fewest < 2 || most > 3 {
				t.Errorf("there were %d up at the least and %d at the most, want 2 and 3", fewest, most)
			}
			want := other.RevisionID
			if test.same {
				want = current.Rev.RevisionID
			}
			for _, r := range awaitUp(t, s, "web", 2) {
				if r.Revision != want || slices.ContainsFunc(before, func(b *Runner) bool { return b.ID == r.ID }) {
					t.Errorf("runner %s of revision %s is left", r.ID, r.Revision)
				}
			}
			for _, r := range before {
				if got := runner(t, s, r.ID); got.State != state.Terminated || got.Replacement != state.DidReplace {
					t.Errorf("the old one is %s, replacement %d, because %q", got.State, got.Replacement, got.Reason)
				}
			}
		})
	}
}

func TestRecreate(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 2
	other, err := s.RegisterRevision(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	register(t, s, spec)
	before := awaitUp(t, s, "web", 2)
	finish := hold(t, s, "web", "long")
	defer finish()
	c := dial(t, s, s.Credentials())
	result, err := c.SetAlias(c.ctx, &pb.SetAliasRequest{Alias: "web", Revision: other.RevisionID,
		AuthMode: new(pb.ApplicationAuthMode_PUBLIC), DeploymentStrategy: new(pb.DeploymentStrategy_RECREATE)})
	if err != nil {
		t.Fatal(err)
	}
	if result.GetAliasInfo().GetAuthMode() != pb.ApplicationAuthMode_PUBLIC {
		t.Errorf("it answers %v", result)
	}
	for _, r := range before {
		await(t, "the end of the old ones", func() bool {
			st := runner(t, s, r.ID).State
			return st == state.Draining || st == state.Terminated
		})
	}
	if !c.alias(t, "web").GetIsRolling() {
		t.Error("it is not rolling while one still answers a request")
	}
	finish()
	awaitSteady(t, c, "web", 2)
	var last time.Time
	for _, r := range before {
		if got := runner(t, s, r.ID); got.EndedAt.After(last) {
			last = got.EndedAt
		}
	}
	for _, r := range awaitUp(t, s, "web", 2) {
		if r.Revision != other.RevisionID || r.CreatedAt.Before(last) {
			t.Errorf("runner of %s started at %s, the old ones had ended at %s", r.Revision, r.CreatedAt, last)
		}
	}
}

func TestForcedRollout(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency, spec.MaxConcurrency = 2, 2
	register(t, s, spec)
	before := awaitUp(t, s, "web", 2)
	c := dial(t, s, s.Credentials())
	if _, err := c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web", Force: new(true)}); err != nil {
		t.Fatal(err)
	}
	awaitSteady(t, c, "web", 2)
	for _, r := range before {
		if got := runner(t, s, r.ID); got.State != state.Terminated || got.Replacement != state.DidReplace {
			t.Errorf("the old one is %s, replacement %d", got.State, got.Replacement)
		}
	}
	for _, r := range awaitUp(t, s, "web", 2) {
		if r.Replaces == "" {
			t.Errorf("runner %s replaces none", r.ID)
		}
	}
}

func TestARevisionThatDoesNotStartReplacesNothing(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	good := register(t, s, spec)
	before := awaitUp(t, s, "web", 1)[0]
	register(t, s, AppSpec{Name: "web", Argv: []string{executable(t), "__app", "fail"}})
	c := dial(t, s, s.Credentials())
	await(t, "a failure to start", func() bool {
		return slices.ContainsFunc(live(t, s, "web"), func(r *Runner) bool { return r.State == state.FailureDelay })
	})
	if info := c.alias(t, "web"); !info.GetIsRolling() || info.GetActiveRunners() != 1 {
		t.Errorf("it is listed as %v", info)
	}
	if got := runner(t, s, before.ID); got.State != state.Idle || got.Replacement != state.WillReplace {
		t.Errorf("the old one is %s, replacement %d", got.State, got.Replacement)
	}
	if _, err := c.SetAlias(c.ctx, &pb.SetAliasRequest{Alias: "web", Revision: good.Rev.RevisionID}); err != nil {
		t.Fatal(err)
	}
	awaitSteady(t, c, "web", 1)
	if left := awaitUp(t, s, "web", 1); left[0].ID != before.ID {
		t.Errorf("after pointing back %s is up, not %s", left[0].ID, before.ID)
	}
}

func TestRestartInTheMiddleOfARollout(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	spec := app(t, "web")
	spec.MinConcurrency, spec.MaxConcurrency = 2, 4
	register(t, s, spec)
	awaitUp(t, s, "web", 2)
	spec.Argv = append(spec.Argv, "unready") // so that it does not get far
	spec.StartupTimeout = time.Hour
	second := register(t, s, spec)
	c := dial(t, s, s.Credentials())
	await(t, "the rollout", func() bool { return c.alias(t, "web").GetIsRolling() && len(live(t, s, "web")) == 4 })
	stop(t, s)

	s = start(t, Options{DataDir: dir})
	c = dial(t, s, s.Credentials())
	await(t, "runners of the new revision", func() bool { return len(live(t, s, "web")) == 2 })
	for _, r := range live(t, s, "web") {
		if r.Revision != second.Rev.RevisionID {
			t.Errorf("a runner of %s was started", r.Revision)
		}
	}
	if info := c.alias(t, "web"); info.GetIsRolling() || info.GetRevision() != second.Rev.RevisionID {
		t.Errorf("it is listed as %v", info)
	}
}

func TestDeleting(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	revision := register(t, s, spec).Rev.RevisionID
	r := awaitUp(t, s, "web", 1)[0]
	c := dial(t, s, s.Credentials())
	_, err := c.DeleteApplication(c.ctx, &pb.DeleteApplicationRequest{ApplicationId: revision})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "current one of app web") {
		t.Errorf("deleting the current revision: %v", err)
	}
	deleted, err := c.DeleteAlias(c.ctx, &pb.DeleteAliasRequest{Alias: "web"})
	if err != nil || deleted.GetRevision() != revision {
		t.Errorf("deleting: %v, %v", deleted, err)
	}
	awaitState(t, s, r.ID, state.Terminated)
	if !strings.Contains(logText(t, s, r.ID), "its app was deleted") {
		t.Error("its log does not say why it ended")
	}
	if c.alias(t, "web") != nil {
		t.Error("it is still listed")
	}
	for what, call := range map[string]func() error{
		"delete": func() error { _, err := c.DeleteAlias(c.ctx, &pb.DeleteAliasRequest{Alias: "web"}); return err },
		"scale": func() error {
			_, err := c.UpdateApplication(c.ctx, &pb.UpdateApplicationRequest{ApplicationName: "web"})
			return err
		},
		"rollout": func() error {
			_, err := c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web"})
			return err
		},
		"runners": func() error {
			_, err := c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "web"})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.NotFound || status.Convert(err).Message() != "app web not found" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.DeleteApplication(c.ctx, &pb.DeleteApplicationRequest{ApplicationId: revision}); err != nil {
		t.Errorf("deleting the revision: %v", err)
	}
	_, err = c.SetAlias(c.ctx, &pb.SetAliasRequest{Alias: "web", Revision: revision})
	if status.Code(err) != codes.NotFound || status.Convert(err).Message() != "revision "+revision+" not found" {
		t.Errorf("set to what was deleted: %v", err)
	}
	_, err = c.ListApplications(c.ctx, &pb.ListApplicationsRequest{ApplicationName: new("web")})
	if status.Code(err) != codes.NotFound {
		t.Errorf("revisions of what was deleted: %v", err)
	}
}

func TestRunnersOfAnEnvironment(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	if _, err := c.CreateEnvironment(c.ctx, &pb.CreateEnvironmentRequest{Name: "staging"}); err != nil {
		t.Fatal(err)
	}
	spec := app(t, "web--staging")
	spec.Environment, spec.MinConcurrency = "staging", 1
	register(t, s, spec)
	r := awaitUp(t, s, "web--staging", 1)[0]
	listed, err := c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "web--staging", EnvironmentName: new("staging")})
	if err != nil || len(listed.GetRunners()) != 1 || listed.GetRunners()[0].GetRunnerId() != r.ID {
		t.Errorf("runners %v, %v", listed, err)
	}
	for environment, want := range map[string]struct {
		code codes.Code
		text string
	}{
		"":        {codes.NotFound, "app web--staging not found"},
		"main":    {codes.NotFound, "app web--staging not found"},
		"nowhere": {codes.NotFound, "environment nowhere not found"},
	} {
		_, err := c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "web--staging", EnvironmentName: &environment})
		if status.Code(err) != want.code || status.Convert(err).Message() != want.text {
			t.Errorf("in %q: %v", environment, err)
		}
	}
	aliases, err := c.ListAliases(c.ctx, &pb.ListAliasesRequest{EnvironmentName: new("staging")})
	if err != nil || len(aliases.GetAliases()) != 1 || aliases.GetAliases()[0].GetEnvironmentName() != "staging" {
		t.Errorf("apps %v, %v", aliases, err)
	}
	revisions, err := c.ListApplications(c.ctx, &pb.ListApplicationsRequest{EnvironmentName: new("staging")})
	if err != nil || len(revisions.GetApplications()) != 1 || revisions.GetApplications()[0].GetEnvironmentName() != "staging" {
		t.Errorf("revisions %v, %v", revisions, err)
	}
}
