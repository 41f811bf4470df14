package grpcapi

import (
	"fmt"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

func (s *server) RegisterApplication(request *pb.RegisterApplicationRequest, stream pb.IsolateController_RegisterApplicationServer) error {
	ctx := stream.Context()
	who := caller(ctx)
	spec, unknown, err := specOf(request)
	if err != nil {
		return err
	}
	environment, err := environmentOf(request.GetEnvironments())
	if err != nil {
		return err
	}
	if spec.Launch, err = s.deploys.Keep(Definition{
		Kind:          environment.GetKind(),
		Configuration: environment.GetConfiguration().AsMap(),
		Files:         filesOf(request.GetFiles()),
		Function:      objectOf(request.GetFunction()),
		Setup:         objectOf(request.GetSetupFunc()),
		Entrypoint:    request.GetEntrypoint(),
		MainThread:    request.GetRunOnMainThread(),
		DataMounts:    request.GetDataMounts(),
	}); err != nil {
		return err
	}
	// Before a build, which may take long.
	if err := s.state.Check(who, spec); err != nil {
		return err
	}
	log := s.builderLog(func(logs []*pb.Log) error { return stream.Send(&pb.RegisterApplicationResult{Logs: logs}) })
	for _, key := range unknown {
		log(state.LevelWarning, fmt.Sprintf("metadata.%s is not kept", key))
	}
	if mounts := request.GetDataMounts(); len(mounts) > 0 {
		log(state.LevelWarning, "data mounts are not made on this machine: "+strings.Join(mounts, ", "))
	}
	id, err := s.ensureBuilt(ctx, &spec.Launch, environment.GetForce(), log)
	if err != nil {
		return err
	}
	app, _, err := s.state.Deploy(ctx, who, spec)
	if err != nil {
		return err
	}
	result := &pb.RegisterApplicationResult{
		Result:      &pb.RegisterApplicationResultType{ApplicationId: app.Rev.RevisionID},
		ServiceUrls: s.deploys.URLs(who.Account.Nickname, app.Alias).encode(),
		EnvId:       &id,
	}
	if request.GetAttachToDeployment() {
		err := s.attach(ctx, app, func(l *pb.Log) error { return stream.Send(&pb.RegisterApplicationResult{Logs: []*pb.Log{l}}) })
		if err != nil {
			return err
		}
	}
	return stream.Send(result)
}

// specOf returns what a request says beside its environment, and the keys of
// its metadata that mean nothing here.
func specOf(request *pb.RegisterApplicationRequest) (spec state.AppSpec, unknown []string, err error) {
	if request.GetApplicationName() == "" {
		return spec, nil, invalid("application_name is needed")
	}
	if request.AttachToDeployment != nil && request.DeploymentStrategy != nil && request.GetDeploymentStrategy() != pb.DeploymentStrategy_ROLLING {
		return spec, nil, invalid("attach_to_deployment goes with the strategy ROLLING alone")
	}
	spec = state.AppSpec{
		Name:        request.GetApplicationName(),
		Environment: request.GetEnvironmentName(),
		Secrets:     secretNames(request.GetSecrets()),
		GracePeriod: duration(request.TerminationGracePeriodSeconds),
		ResetScale:  request.GetScale(),
		SourceCode:  request.GetSourceCode(),
	}
	if request.AuthMode != nil {
		spec.AuthMode = new(state.AuthMode(request.GetAuthMode()))
	}
	if request.DeploymentStrategy != nil {
		spec.Strategy = new(state.Strategy(request.GetDeploymentStrategy()))
	}
	if err := addMachine(&spec, request); err != nil {
		return spec, nil, err
	}
	if err := addServing(&spec, request); err != nil {
		return spec, nil, err
	}
	unknown, err = metadataOf(&spec, request.GetMetadata())
	return spec, unknown, err
}

// addMachine takes the machine requirements over. Fields that are not there
// take the defaults of a state.AppSpec, whose zero they have; a zero that was
// sent is not that.
func addMachine(spec *state.AppSpec, request *pb.RegisterApplicationRequest) error {
	m := request.GetMachineRequirements()
	if m == nil {
		m = &pb.MachineRequirements{}
	}
	most := m.MaxConcurrency
	if most == nil {
		//lint:ignore SA1019 older clients send nothing else
		most = request.MaxConcurrency
	}
	for _, field := range []struct {
		name  string
		value *int32
		into  *int
	}{
		{"num_gpus", m.NumGpus, &spec.NumGPUs},
		{"max_multiplexing", m.MaxMultiplexing, &spec.MaxMultiplexing},
		{"max_concurrency", most, &spec.MaxConcurrency},
	} {
		if field.value == nil {
			continue
		}
		if *field.value < 1 {
			return invalid("%s is %d, and must be at least 1", field.name, *field.value)
		}
		*field.into = int(*field.value)
	}
	for _, field := range []struct {
		name  string
		value *int32
		into  *time.Duration
	}{
		{"request_timeout", m.RequestTimeout, &spec.RequestTimeout},
		{"startup_timeout", m.StartupTimeout, &spec.StartupTimeout},
	} {
		if field.value == nil {
			continue
		}
		if *field.value < 1 {
			return invalid("%s is %d seconds, and must be at least 1", field.name, *field.value)
		}
		*field.into = time.Duration(*field.value) * time.Second
	}
	spec.MachineTypes = m.GetMachineTypes()
	if len(spec.MachineTypes) == 0 {
		//lint:ignore SA1019 older clients send nothing else
		if single := m.GetMachineType(); single != "" {
			spec.MachineTypes = []string{single}
		}
	}
	spec.MinConcurrency = int(m.GetMinConcurrency())
	spec.ConcurrencyBuffer = int(m.GetConcurrencyBuffer())
	spec.ConcurrencyBufferPerc = int(m.GetConcurrencyBufferPerc())
	spec.KeepAlive = duration(m.KeepAlive)
	spec.ScalingDelay = time.Duration(m.GetScalingDelaySeconds()) * time.Second
	spec.Regions = m.GetValidRegions()
	spec.Serving.ExposedPort = number(m.ExposedPort)
	spec.Serving.MetricsPort = number(m.MetricsPort)
	return nil
}

func addServing(spec *state.AppSpec, request *pb.RegisterApplicationRequest) error {
	spec.Serving.RetryConfig = request.GetRetryConfig()
	spec.Serving.PrivateLogs = request.GetPrivateLogs()
	for _, condition := range request.GetSkipRetryConditions() {
		if _, known := pb.RetryCondition_name[int32(condition)]; !known {
			return invalid("skip_retry_conditions: %d is no condition", condition)
		}
		spec.Serving.SkipRetry = append(spec.Serving.SkipRetry, int(condition))
	}
	if path := request.GetHealthCheckPath(); path != "" {
		spec.Serving.HealthCheck = new(state.HealthDefaults(path))
	}
	if config := request.GetHealthCheckConfig(); config != nil {
		check := state.HealthDefaults(config.GetPath())
		if config.StartPeriodSeconds != nil {
			check.StartPeriod = time.Duration(config.GetStartPeriodSeconds()) * time.Second
		}
		if config.TimeoutSeconds != nil {
			check.Timeout = time.Duration(config.GetTimeoutSeconds()) * time.Second
		}
		if config.FailureThreshold != nil {
			check.FailureThreshold = int(config.GetFailureThreshold())
		}
		if config.CallRegularly != nil {
			check.CallRegularly = config.GetCallRegularly()
		}
		check.AllowOnBusy = config.GetAllowOnBusy()
		check.Method = config.GetMethod().String()
		spec.Serving.HealthCheck = &check
	}
	// What does not answer GET is ready when its port is open.
	if check := spec.Serving.HealthCheck; check != nil && check.Method == "GET" {
		spec.HealthPath = check.Path
	}
	return nil
}
