package fal

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// A Revision is one deploy of an app, which does not change any more.
type Revision struct {
	ID string
	// CreatedAt is zero if the service does not tell.
	CreatedAt time.Time
	// AppSettings are those that it was deployed with.
	AppSettings
	// ActiveRunners is the number of its runners.
	ActiveRunners int
	// Environment is as the service sends it, empty for "main".
	Environment string
}

// AppsRevisionsParams narrow a list of revisions.
type AppsRevisionsParams struct {
	// App keeps the revisions of one app; empty: all.
	App string
}

// Revisions goes through the revisions of the client's environment in the order
// in which the service gives them.
func (s *AppsService) Revisions(ctx context.Context, params *AppsRevisionsParams) iter.Seq2[Revision, error] {
	if params == nil {
		params = &AppsRevisionsParams{}
	}
	const method = controllerpb.IsolateController_ListApplications_FullMethodName
	return list(func() ([]*controllerpb.ApplicationInfo, error) {
		request, err := listApplicationsRequest(s.client.environment, params)
		if err != nil {
			return nil, err
		}
		var reply controllerpb.ListApplicationsResult
		err = s.client.call(ctx, method, request, &reply, transport.Repeatable())
		return reply.GetApplications(), err
	}, revisionOf)
}

// AppsDeleteRevisionParams are the options of [AppsService.DeleteRevision];
// there are none yet.
type AppsDeleteRevisionParams struct{}

// DeleteRevision deletes a revision, by its id. One that does not exist is
// [ErrNotFound].
func (s *AppsService) DeleteRevision(ctx context.Context, revision string, _ *AppsDeleteRevisionParams) error {
	const method = controllerpb.IsolateController_DeleteApplication_FullMethodName
	request, err := deleteApplicationRequest(revision)
	if err != nil {
		return err
	}
	return s.client.call(ctx, method, request, new(controllerpb.DeleteApplicationResult))
}

func listApplicationsRequest(environment string, params *AppsRevisionsParams) (*controllerpb.ListApplicationsRequest, error) {
	a := arguments{method: "ListApplications"}
	request := &controllerpb.ListApplicationsRequest{EnvironmentName: a.environment(environment)}
	if params.App != "" {
		alias := a.alias(params.App, environment)
		request.ApplicationName = &alias
	}
	return request, a.err
}

func deleteApplicationRequest(revision string) (*controllerpb.DeleteApplicationRequest, error) {
	a := arguments{method: "DeleteApplication"}
	return &controllerpb.DeleteApplicationRequest{ApplicationId: a.required("the revision", revision)}, a.err
}

func revisionOf(info *controllerpb.ApplicationInfo) Revision {
	return Revision{
		ID:        info.GetApplicationId(),
		CreatedAt: timeOf(info.GetCreatedAt()),
		AppSettings: AppSettings{
			KeepAlive:             wholeSeconds(info.GetKeepAlive()),
			MinConcurrency:        int(info.GetMinConcurrency()),
			MaxConcurrency:        int(info.GetMaxConcurrency()),
			MaxMultiplexing:       int(info.GetMaxMultiplexing()),
			ConcurrencyBuffer:     int(info.GetConcurrencyBuffer()),
			ConcurrencyBufferPerc: int(info.GetConcurrencyBufferPerc()),
			ScalingDelay:          wholeSeconds(info.GetScalingDelaySeconds()),
			RequestTimeout:        wholeSeconds(info.GetRequestTimeout()),
			StartupTimeout:        wholeSeconds(info.GetStartupTimeout()),
			MachineTypes:          info.GetMachineTypes(),
			Regions:               info.GetValidRegions(),
		},
		ActiveRunners: int(info.GetActiveRunners()),
		Environment:   info.GetEnvironmentName(),
	}
}

// timeOf is a time of the wire; zero if there is none, or none that it could be.
func timeOf(t *timestamppb.Timestamp) time.Time {
	if !t.IsValid() {
		return time.Time{}
	}
	return t.AsTime()
}
