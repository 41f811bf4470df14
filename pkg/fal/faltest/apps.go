package faltest

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// Settings are those that apps and revisions have in common, as the wire carries
// them: times are in seconds, and what is nil is not sent.
type Settings struct {
	KeepAlive, MinConcurrency, MaxConcurrency, MaxMultiplexing int32
	ConcurrencyBuffer, ConcurrencyBufferPerc                   *int32
	ScalingDelay, RequestTimeout, StartupTimeout               *int32
	MachineTypes, Regions                                      []string
}

// An App is an alias as the wire carries it: enumerations are numbers, so that
// a test can send one that nobody knows.
type App struct {
	// Alias has the suffix of its environment: the server does not add it.
	Alias, Revision string
	// AuthMode is 0 PRIVATE, 1 PUBLIC, 2 SHARED.
	AuthMode int32
	Settings
	ActiveRunners int32
	// Environment is not sent when it is empty, which stands for main.
	Environment string
	Rolling     bool
}

// SetApps sets the apps that ListAliases answers, those of one environment at a
// time. From then on UpdateApplication and SetAlias change them, SetAlias adds
// and DeleteAlias takes away, and they and RolloutApplication answer NOT_FOUND
// for an alias that is not among them.
func (s *Server) SetApps(apps ...App) { s.apps.replace(apps) }

// Apps are those of SetApps as they are now.
func (s *Server) Apps() []App {
	apps, _ := s.apps.list()
	return apps
}

// A Revision is a revision as the wire carries it.
type Revision struct {
	ID string
	// App is the alias by which ListApplications finds it, which the wire does
	// not carry.
	App string
	// CreatedAt is not sent when it is zero.
	CreatedAt time.Time
	Settings
	ActiveRunners int32
	// Environment is not sent when it is empty, which stands for main.
	Environment string
}

// SetRevisions sets the revisions that ListApplications answers, those of one
// environment at a time. From then on DeleteApplication takes one away, and it
// and SetAlias answer NOT_FOUND for an id that is not among them.
func (s *Server) SetRevisions(revisions ...Revision) { s.revisions.replace(revisions) }

// Revisions are those of SetRevisions as they are now.
func (s *Server) Revisions() []Revision {
	revisions, _ := s.revisions.list()
	return revisions
}

// serveApps answers the calls about apps; of others it answers nothing.
func (s *Server) serveApps(request proto.Message) (Answer, []proto.Message) {
	apps, ok := s.apps.list()
	if !ok {
		return Answer{}, nil
	}
	switch request := request.(type) {
	case *controllerpb.ListAliasesRequest:
		here := func(a App) bool { return sameEnvironment(a.Environment, request.GetEnvironmentName()) }
		return Answer{}, one(&controllerpb.ListAliasesResult{Aliases: messages(apps, here, App.info)})
	case *controllerpb.UpdateApplicationRequest:
		answer, info := s.changeApp(request.GetApplicationName(), func(a *App) { a.update(request) })
		return answer, one(&controllerpb.UpdateApplicationResult{AliasInfo: info})
	case *controllerpb.RolloutApplicationRequest:
		answer, _ := s.changeApp(request.GetApplicationName(), func(*App) {})
		return answer, one(&controllerpb.RolloutApplicationResult{})
	case *controllerpb.SetAliasRequest:
		return s.setAlias(request)
	case *controllerpb.DeleteAliasRequest:
		app, ok := s.apps.remove(aliased(request.GetAlias()))
		if !ok {
			return Fail(fal.CodeNotFound, "app "+request.GetAlias()+" not found"), nil
		}
		return Answer{}, one(&controllerpb.DeleteAliasResult{Revision: app.Revision})
	}
	return Answer{}, nil
}

// serveRevisions answers the calls about revisions; of others it answers nothing.
func (s *Server) serveRevisions(request proto.Message) (Answer, []proto.Message) {
	revisions, ok := s.revisions.list()
	if !ok {
		return Answer{}, nil
	}
	switch request := request.(type) {
	case *controllerpb.ListApplicationsRequest:
		wanted := func(r Revision) bool {
			return sameEnvironment(r.Environment, request.GetEnvironmentName()) &&
				(request.ApplicationName == nil || r.App == request.GetApplicationName())
		}
		return Answer{}, one(&controllerpb.ListApplicationsResult{Applications: messages(revisions, wanted, Revision.info)})
	case *controllerpb.DeleteApplicationRequest:
		if _, ok := s.revisions.remove(func(r Revision) bool { return r.ID == request.GetApplicationId() }); !ok {
			return Fail(fal.CodeNotFound, "revision "+request.GetApplicationId()+" not found"), nil
		}
		return Answer{}, one(&controllerpb.DeleteApplicationResult{})
	}
	return Answer{}, nil
}

func aliased(alias string) func(App) bool { return func(a App) bool { return a.Alias == alias } }

func (s *Server) changeApp(alias string, change func(*App)) (Answer, *controllerpb.AliasInfo) {
	var info *controllerpb.AliasInfo
	ok := s.apps.change(aliased(alias), func(a *App) {
		change(a)
		info = a.info()
	})
	if !ok {
		return Fail(fal.CodeNotFound, "app "+alias+" not found"), nil
	}
	return Answer{}, info
}

func (s *Server) setAlias(request *controllerpb.SetAliasRequest) (Answer, []proto.Message) {
	revisions, ok := s.revisions.list()
	if ok && !slices.ContainsFunc(revisions, func(r Revision) bool { return r.ID == request.GetRevision() }) {
		return Fail(fal.CodeNotFound, "revision "+request.GetRevision()+" not found"), nil
	}
	set := func(a *App) {
		a.Revision = request.GetRevision()
		if request.AuthMode != nil {
			a.AuthMode = int32(request.GetAuthMode())
		}
	}
	answer, info := s.changeApp(request.GetAlias(), set)
	if answer.code != 0 {
		app := App{Alias: request.GetAlias(), Environment: request.GetEnvironmentName()}
		set(&app)
		s.apps.add(app)
		info = app.info()
	}
	return Answer{}, one(&controllerpb.SetAliasResult{AliasInfo: info})
}

func (a *App) update(request *controllerpb.UpdateApplicationRequest) {
	for _, field := range []struct {
		setting *int32
		given   *int32
	}{
		{&a.KeepAlive, request.KeepAlive},
		{&a.MinConcurrency, request.MinConcurrency},
		{&a.MaxConcurrency, request.MaxConcurrency},
		{&a.MaxMultiplexing, request.MaxMultiplexing},
	} {
		if field.given != nil {
			*field.setting = *field.given
		}
	}
	for _, field := range []struct {
		setting **int32
		given   *int32
	}{
		{&a.ConcurrencyBuffer, request.ConcurrencyBuffer},
		{&a.ConcurrencyBufferPerc, request.ConcurrencyBufferPerc},
		{&a.ScalingDelay, request.ScalingDelaySeconds},
		{&a.RequestTimeout, request.RequestTimeout},
		{&a.StartupTimeout, request.StartupTimeout},
	} {
		if field.given != nil {
			*field.setting = field.given
		}
	}
	if len(request.MachineTypes) > 0 {
		a.MachineTypes = request.MachineTypes
	}
	if len(request.ValidRegions) > 0 {
		a.Regions = request.ValidRegions
	}
}

func (a App) info() *controllerpb.AliasInfo {
	return &controllerpb.AliasInfo{
		Alias:                 a.Alias,
		Revision:              a.Revision,
		AuthMode:              controllerpb.ApplicationAuthMode(a.AuthMode),
		MaxConcurrency:        a.MaxConcurrency,
		MaxMultiplexing:       a.MaxMultiplexing,
		KeepAlive:             a.KeepAlive,
		ActiveRunners:         a.ActiveRunners,
		MinConcurrency:        a.MinConcurrency,
		MachineTypes:          a.MachineTypes,
		RequestTimeout:        a.RequestTimeout,
		StartupTimeout:        a.StartupTimeout,
		ValidRegions:          a.Regions,
		ConcurrencyBuffer:     a.ConcurrencyBuffer,
		ConcurrencyBufferPerc: a.ConcurrencyBufferPerc,
		ScalingDelaySeconds:   a.ScalingDelay,
		EnvironmentName:       optional(a.Environment),
		IsRolling:             a.Rolling,
	}
}

func (r Revision) info() *controllerpb.ApplicationInfo {
	return &controllerpb.ApplicationInfo{
		ApplicationId:         r.ID,
		MaxConcurrency:        r.MaxConcurrency,
		MaxMultiplexing:       r.MaxMultiplexing,
		KeepAlive:             r.KeepAlive,
		ActiveRunners:         r.ActiveRunners,
		MinConcurrency:        r.MinConcurrency,
		MachineTypes:          r.MachineTypes,
		RequestTimeout:        r.RequestTimeout,
		StartupTimeout:        r.StartupTimeout,
		ValidRegions:          r.Regions,
		ConcurrencyBuffer:     r.ConcurrencyBuffer,
		CreatedAt:             moment(r.CreatedAt),
		ConcurrencyBufferPerc: r.ConcurrencyBufferPerc,
		ScalingDelaySeconds:   r.ScalingDelay,
		EnvironmentName:       optional(r.Environment),
	}
}

// moment is a time that is not sent when it is zero.
func moment(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
